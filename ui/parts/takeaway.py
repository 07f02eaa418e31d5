"""The dialog to take images with their label maps away: which label maps, which files, one zip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.access.roles import Permission
from core.exports.choice import chosen_maps, kinds_in_words, label_choices
from core.exports.files import PART_TITLES, USUAL_PARTS, Part
from core.exports.request import COUNTS, TRAINING, ExportRequest, Form
from core.exports.start import start_export
from core.store.records import JobRecord
from core.wording import counted
from ui import context
from ui.errors import plain
from ui.parts.dialog_rights import asks
from ui.parts.kept_dialog import forget_dialog, kept_dialog, opening
from ui.parts.kept_files import prepare_button
from ui.parts.options import choice, titled
from ui.person import person

_FORMS: Final = {
    Form.FILES: "Files",
    Form.DATASET: "Dataset folder",
    Form.NNUNET: "nnU-Net folder",
}

_ABOUT: Final = {
    Form.FILES: "One folder per file type, with a manifest of all images, pixel sizes and label map sources.",
    Form.DATASET: "images/, labels/ and dataset.json. Can be imported again on the Data page, with classes, pixel "
    "sizes, splits, specimens, conditions and stacks. Unconfirmed pixels are 255 (ignore).",
    Form.NNUNET: "imagesTr/, labelsTr/, imagesTs/, labelsTs/ and dataset.json, for the nnU-Net commands; can be "
    "imported again. Predictions are never exported as training labels.",
}

COUNTS_HELP: Final = (
    "Exported label map of each image: the newest approved correction, otherwise the newest reference, "
    "otherwise the newest prediction of the project's model."
)
"""What "the label map that counts" means."""


def takeaway_button(
    label: str,
    project_id: str,
    image_ids: Sequence[str],
    *,
    key: str,
    title: str = "",
    labels: str = COUNTS,
    width: str = "content",
) -> None:
    """A button that opens the dialog for some images of a project.

    Parameters
    ----------
    label
        Of the button.
    project_id, image_ids
        What goes along.
    key
        Of the button.
    title
        Names the zip; the project's name where it is "".
    labels
        Which label maps are chosen at first.
    width
        Of the button.
    """
    pressed = st.button(label, icon=":material/archive:", key=key, disabled=not image_ids, width=width)  # type: ignore[arg-type]
    if pressed:
        _takeaway(project_id, tuple(image_ids), title, labels)


@kept_dialog("takeaway")
@st.dialog("Export", width="large", on_dismiss=forget_dialog)
@asks(Permission.VIEW, lambda project_id, image_ids, title, labels: [project_id])
def _takeaway(project_id: str, image_ids: tuple[str, ...], title: str, labels: str) -> None:
    """Which label maps, which files; then the job and its file."""
    turn = opening()
    name = title or context.store().projects.get(project_id).name
    st.markdown(f"**{plain(name)}** · {counted(len(image_ids), 'image')}")
    form = st.segmented_control(
        "Format", list(_FORMS), default=Form.FILES, format_func=titled(_FORMS), key=f"takeaway-form-{turn}",
        required=True,
    )  # fmt: skip
    form = form or Form.FILES
    st.caption(_ABOUT[form])
    chosen = _labels(project_id, image_ids, labels, form, turn)
    parts, full_size = _parts(turn) if form is Form.FILES else (USUAL_PARTS, False)
    if not parts:
        st.info("Select at least one file type.", icon=":material/checklist:")
        return

    def ask() -> JobRecord:
        request = ExportRequest(
            project_id=project_id, image_ids=image_ids, labels=chosen, form=form, parts=parts, title=name,
            full_size=full_size,
        )  # fmt: skip
        return start_export(context.store(), request, by=person())

    prepare_button("Create zip", ask, slot=f"takeaway-{turn}", primary=True)


def _labels(project_id: str, image_ids: tuple[str, ...], first: str, form: Form, turn: int) -> str:
    """Which label maps; says what they are and how many images have none."""
    texts = label_choices(context.store(), project_id, person())
    if form is Form.FILES:
        texts.pop(TRAINING)
    usual = TRAINING if form is not Form.FILES and first == COUNTS else first
    chosen = choice(
        "Label maps", texts, first=usual,
        key=f"takeaway-labels-{form}-{turn}", help=COUNTS_HELP,
    )  # fmt: skip
    maps = chosen_maps(context.store(), project_id, chosen, person(), image_ids)
    missing = sum(label_map.revision is None for label_map in maps)
    summary = kinds_in_words(maps) or "No label maps"
    st.caption(f"{summary}." + (f" {counted(missing, 'image')} without a label map." if missing else ""))
    return chosen


def _parts(turn: int) -> tuple[tuple[Part, ...], bool]:
    """Which files, and whether overlays have every pixel."""
    chosen = st.pills(
        "Files", list(PART_TITLES), selection_mode="multi", default=list(USUAL_PARTS), format_func=titled(PART_TITLES),
        key=f"takeaway-parts-{turn}",
    )  # fmt: skip
    full_size = Part.OVERLAYS in chosen and st.toggle(
        "Full-size overlays",
        key=f"takeaway-full-{turn}",
        help="Full resolution up to 16,384 px, instead of at most 4,096 px.",
    )
    if Part.OBJECTS in chosen:
        st.caption("Objects not measured yet are measured during the export.")
    return tuple(part for part in Part if part in chosen), full_size
