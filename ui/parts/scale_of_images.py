"""Setting the pixel size of selected images: typed, or measured on the scale bar of one of them."""

from __future__ import annotations

import streamlit as st

from core.access.roles import Permission
from core.wording import counted
from ui import context
from ui.parts.dialog_rights import asks, of_images
from ui.parts.kept_dialog import close_dialog, forget_dialog, kept_dialog, opening
from ui.parts.names import image_details
from ui.parts.options import choice
from ui.parts.pixel_size_change import use_measured_scale, use_pixel_size
from ui.parts.pixel_size_field import pixel_size_field
from ui.viewer import viewer

_HEIGHT_PX = 460


@kept_dialog("scale of images")
@st.dialog("Set pixel size", width="large", on_dismiss=forget_dialog)
@asks(Permission.PAINT, lambda image_ids: of_images(image_ids))
def scale_of_images(image_ids: tuple[str, ...]) -> None:
    """A field for a known size, and a viewer with the scale tool.

    Parameters
    ----------
    image_ids
        Of one project; at least one. The planes of their stacks get the size too.
    """
    images = {image.id: image for image in map(context.store().images.get, image_ids)}
    key = f"scale-{opening()}"
    with st.form(key=f"{key}-typed", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        size = pixel_size_field(f"Pixel size of {counted(len(images), 'image')}")
        wanted = st.form_submit_button("Set size")
    nm = size.submitted(wanted)
    if nm is not None:
        use_pixel_size(image_ids, nm, model_id=None)
    st.caption("Or measure it on a scale bar in an image:")
    shown = image_ids[0]
    if len(images) > 1:
        shown = choice(
            "Image", {image_id: images[image_id].name for image_id in image_ids}, details=image_details(images),
            key=f"{key}-image", label_visibility="collapsed",
        )  # fmt: skip
    state = viewer(
        shown, key=f"{key}-{shown}", height=_HEIGHT_PX, remember_as="scale", url_view=False, scale_tool=True,
        scale_open=True,
    )  # fmt: skip
    if state.scale_line:
        use_measured_scale(shown, state.scale_line.length_px, state.scale_line.typed, None, False, image_ids)
    if st.button("Cancel"):
        close_dialog()
