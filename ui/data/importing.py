"""Adding images: drop files or name a folder, see what pairs with what, import it as a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import streamlit as st

from core.datasets.import_plan import ImportPlan, plan_import
from core.errors import DatasetError
from core.label_scheme import LabelScheme
from core.labels.reading import LabelSource
from core.labels.values import read_value_map
from core.outside.guarded import Limits, Subject, guarded_with
from core.settings import current_settings
from core.store.import_batch import ImportBatch, Part, new_batch, take_upload
from core.store.records import ProjectRecord
from core.wording import counted
from ui.access import named_path
from ui.data.preview import preview_panel
from ui.errors import explained
from ui.parts.dropped_files import FIND_OUT, LABEL_SOURCES, forget_button, on_server, usable_files, waiting_files
from ui.person import person
from ui.state import Query, StateKey, set_query
from ui.uploader import ACCEPTED, uploader

_LIMITS: Final = Limits(busy_s=120.0)
"""Of looking through a folder."""

_LISTED: Final = 1000
"""Label files that the list of those to leave out offers."""


def import_panel(project: ProjectRecord) -> None:
    """Everything up to the button that begins the import."""
    server = on_server(project.id, key="data-way")
    batch: ImportBatch | None = None
    with explained():
        if server:
            folder, labels = _server_folders(project)
        else:
            batch = _dropped()
            folder, labels = (batch.path if batch and batch.files(Part.IMAGES) else None), None
        if folder is None:
            return
        source = _how_labelled()
        plan = _planned(folder, project.scheme, labels, source)
        values = _values(project.scheme) if source in (None, LabelSource.IMAGE) else {}
        left_out = _left_out(plan)
        if left_out:
            plan = _planned(folder, project.scheme, labels, source, left_out)
        if values:
            plan = with_values(plan, values)
        preview_panel(project, plan, batch_id=batch.id if batch else None)


def _planned(
    folder: Path, scheme: LabelScheme, labels: Path | None, source: LabelSource | None, leave_out: Sequence[str] = ()
) -> ImportPlan:
    """`plan_import` in a guarded process: headers of a dataset's images are looked at."""
    subject = Subject(folder.name, DatasetError)
    return guarded_with(
        _LIMITS, subject, plan_import, folder, scheme, labels=labels, source=source, leave_out=list(leave_out)
    )


def _server_folders(project: ProjectRecord) -> tuple[Path | None, Path | None]:
    """Folders as typed."""
    left, right = st.columns(2)
    begun = st.session_state.get(StateKey.IMPORTS_BEGUN, 0)
    folder = left.text_input(
        "Folder",
        placeholder="/data/liver",
        key=f"data-folder-{begun}",
        help="A dataset folder (images/, labels/, dataset.json), an nnU-Net raw folder, or a folder of images.",
    ).strip()
    labels = right.text_input(
        "Label folder, if separate",
        placeholder="/data/liver_masks",
        key=f"data-labels-folder-{begun}",
        help=(
            "Label files have the names of the images: one per image, one per organelle, or in one folder per "
            "organelle."
        ),
    ).strip()
    if not folder:
        st.caption("Enter a path on the server. You see a preview before anything is copied.")
    return (named_path(folder, project.id) if folder else None), (named_path(labels, project.id) if labels else None)


def _dropped() -> ImportBatch | None:
    """Two drop zones, and what has arrived so far; it survives a reload of the page."""
    settings = current_settings()
    batch = waiting_files()
    zones = st.columns(2)
    words = {Part.IMAGES: "Drop micrographs here", Part.LABELS: "Drop label files here (optional)"}
    for zone, (part, label) in zip(zones, words.items(), strict=True):
        with zone:
            accept = (*ACCEPTED, ".zip") if part is Part.IMAGES else ACCEPTED
            for upload in uploader(key=f"data-{part.value}", label=label, accept=accept):
                if batch is None:
                    batch = new_batch(settings, by=person())
                    set_query(Query.BATCH, batch.id)
                with explained():
                    take_upload(settings, batch, upload.upload_id, part)
    if batch is None:
        st.caption(
            "Labels are matched by name: liver_1.png or liver_1_mitochondria.png match liver_1.tif. You can also "
            "drop the zip of an exported dataset folder with the micrographs. You see a preview before anything "
            "is imported."
        )
        return None
    _arrived(batch)
    return batch


def _arrived(batch: ImportBatch) -> None:
    """How much waits, what cannot be used, and a way to begin again."""
    images, labels = batch.files(Part.IMAGES), batch.files(Part.LABELS)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{counted(len(images), 'image')}** and **{counted(len(labels), 'label file')}** ready.")
        forget_button(batch)
    usable_files((*images, *labels))
    if labels and not images:
        st.info("Drop the images that these labels belong to.", icon=":material/image:")


def _how_labelled() -> LabelSource | None:
    """How labels are given."""
    chosen = st.segmented_control(
        "Label format",
        list(LABEL_SOURCES),
        default=FIND_OUT,
        key="data-source",
        help="Detected automatically if the folder contains a dataset.json. Object ids: one file per class, in which "
        "each value is an object (Cellpose, micro-sam, empanada, ilastik, webKnossos, Fiji).",
    )
    return LABEL_SOURCES.get(chosen or FIND_OUT)


def _values(scheme: LabelScheme) -> dict[int, int]:
    """Grey values of label images that are not class numbers."""
    classes = [item.name for item in scheme.classes[:2]]
    text = st.text_input(
        "Grey values of label images, if they differ from the class numbers",
        placeholder=", ".join(f"{value} = {name}" for value, name in zip((127, 255), classes, strict=False)),
        key="data-values",
    )
    return read_value_map(text, scheme)


def with_values(plan: ImportPlan, values: Mapping[int, int]) -> ImportPlan:
    """The same plan, its label images read by these grey values; a dataset folder's own stay."""
    pairs = tuple(values.items())
    return replace(plan, cases=tuple(case if case.values else replace(case, values=pairs) for case in plan.cases))


def _left_out(plan: ImportPlan) -> list[str]:
    """Names of label files that shall not be used."""
    names = sorted({path.name for case in plan.cases for path in case.label_paths})
    names += [refusal.where for refusal in plan.refusals if refusal.where not in names]
    if not names or len(names) > _LISTED:
        return []
    return st.multiselect("Label files to skip", names, placeholder="none", key="data-leave-out")
