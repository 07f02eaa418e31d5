"""A figure, what was clicked in it, and how often the page has run."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.evaluation.metric_table import metric_named
from core.evaluation.report import TestImage, evaluate
from core.figures.bars import dice_bars
from core.figures.heatmaps import metric_heatmap
from core.label_scheme import LabelScheme
from ui.figure import figure

REFERENCE = np.array([[1, 1, 1, 1, 0, 0, 0, 0, 0, 0]], np.uint8)
FOUND = {"first": 1, "second": 4}

report = evaluate(
    [
        TestImage(name, lambda: REFERENCE, lambda n=n: np.where(np.arange(10) < n, REFERENCE, 0).astype(np.uint8))
        for name, n in FOUND.items()
    ],
    LabelScheme.from_names({"mitochondria": 1}),
)
drawn = dice_bars(report, metric_named("dice"))
state = figure(drawn, name="dice", key="bars", height=300)
metrics = metric_heatmap(report, report.metrics)
figure(metrics, name="metrics", key="metrics", height=300)
st.session_state.runs = st.session_state.get("runs", 0) + 1
st.text(f"clicked {state.clicked}")
st.text(f"runs {st.session_state.runs}")
st.button("Again")
