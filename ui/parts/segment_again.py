"""Segmenting many images that are there: a selection, or a whole project, with a model of one's choice."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.access.roles import Permission
from core.batches.plan import SegmentPlan
from core.batches.speed import expected_s
from core.batches.start import ImagesToDo, images_to_do, segment_images
from core.models.store import StoredModel
from core.wording import counted
from ui import context
from ui.access import allowed
from ui.errors import explained, plain
from ui.parts.class_match import class_match, matched_classes
from ui.parts.dialog_rights import asks, of_images
from ui.parts.kept_dialog import close_dialog, forget_dialog, kept_dialog, opening
from ui.parts.names import model_choice
from ui.parts.no_model import no_model
from ui.parts.units import duration_text
from ui.person import person

STEPS: Final = (0.5, 0.625, 0.75, 0.875, 1.0)
"""Tile steps that may be chosen."""


@kept_dialog("segment again")
@st.dialog("Segment images", width="large", on_dismiss=forget_dialog)
@asks(Permission.PAINT, lambda image_ids: of_images(image_ids))
def segment_again(image_ids: tuple[str, ...]) -> None:
    """Choose a model, see what there is to do and how long it takes, begin it as one batch."""
    images = [image for image in context.store().images.all() if image.id in set(image_ids)]
    projects = list(dict.fromkeys(image.project_id for image in images))
    key = f"again-{opening()}"
    proposed = context.current_model(projects[0] if projects else None)
    if not images or proposed is None:
        st.markdown("No images to segment.") if not images else no_model(key=key, link=False)
        return
    models = {proposed.id: proposed, **context.offered_models()}
    model = models[model_choice("Model", models, first=proposed.id, key=f"{key}-model")]
    if model.card.warning:
        st.caption(f":orange[:material/warning:] {plain(model.card.warning)}")
    for project_id in projects:
        project = context.store().projects.get(project_id)
        if not class_match(project, model, key=f"{key}-{project_id}"):
            return
        matched_classes(project, model, key=f"{key}-{project_id}")
    found = images_to_do(context.store(), [image.id for image in images], model.id)
    plan, ids = _what(found, model, key)
    with st.container(horizontal=True):
        if st.button(f"Segment {counted(len(ids), 'image')}", type="primary", disabled=not ids, key=f"{key}-begin"):
            with explained():
                segment_images(context.store(), ids, plan, by=person())
                st.toast(f"{counted(len(ids), 'image')} queued", icon=":material/blur_on:")
                close_dialog()
        if st.button("Cancel", key=f"{key}-cancel"):
            close_dialog()


def _what(found: ImagesToDo, model: StoredModel, key: str) -> tuple[SegmentPlan, list[str]]:
    """What there is to do, what is there already, how long it takes, with which options."""
    again = False
    if found.done:
        st.markdown(f"{counted(len(found.done), 'image')} already segmented with this model, {len(found.to_do)} to do.")
        again = st.checkbox("Segment these again too", value=not found.to_do, key=f"{key}-again")
    with st.expander("Options", icon=":material/tune:"):
        step = st.select_slider(
            "Tile step", STEPS, value=STEPS[0], key=f"{key}-step",
            help=("Distance between neighbouring tiles as a fraction of the tile size. 0.5 is most accurate; "
                 "larger steps are faster."),
        )  # fmt: skip
        mirroring = st.toggle(
            "Mirroring (test-time augmentation)", key=f"{key}-mirroring",
            help="Averages predictions of mirrored copies. Up to four times slower, usually slightly better.",
        )  # fmt: skip
        if again:
            st.caption("With unchanged options the existing label map is reused immediately.")
    ids = [*found.to_do, *(found.done if again else ())]
    unsized = len(set(found.unsized) & set(ids))
    if unsized and model.pixel_size_nm is not None:
        st.caption(
            f":orange[:material/straighten:] {counted(unsized, 'image')} without a pixel size. They are segmented "
            "once you have entered it."
        )
    seconds = expected_s(context.store(), model.id, ids)
    if seconds is not None:
        st.caption(f":material/schedule: About {duration_text(seconds)}, from earlier predictions with this model.")
    return SegmentPlan(model_id=model.id, step=step, mirroring=mirroring, again=again), ids


def segment_again_button(image_ids: tuple[str, ...], *, key: str, label: str = "Segment again") -> None:
    """Opens the dialog for images; drawn where the person may segment in all of their projects."""
    projects = {image.project_id for image in context.store().images.all() if image.id in set(image_ids)}
    if all(allowed(Permission.PAINT, project_id) for project_id in projects) and st.button(
        label, icon=":material/blur_on:", disabled=not image_ids, key=key
    ):
        segment_again(image_ids)
