"""The page that `benchmarks.painting` compares with: streamlit-drawable-canvas over a crop, and what Python gets."""

import os

import streamlit as st
from PIL import Image
from streamlit_drawable_canvas import st_canvas

PIXELS = bool(os.environ["PAINTING_PIXELS"])

drawn = st_canvas(
    background_image=Image.open(os.environ["PAINTING_CROP"]),
    stroke_width=60,
    stroke_color="#ff0000",
    height=1024,
    width=1024,
    drawing_mode="freedraw",
    return_image_data=PIXELS,
    key="canvas",
)
data = drawn.json_data or {}
painted = int((drawn.image_data[..., 3] > 0).sum()) if PIXELS and drawn.image_data is not None else 0
st.html(f'<p class="answer">{len(data.get("objects", []))} strokes, {painted} pixels</p>')
