"""Predictions of another program: label maps dropped or on the server, paired by name, seen before they are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st

from core.cache import MB, remembered
from core.errors import Refusal
from core.evaluations.prediction_files import (
    PredictionCase,
    PredictionCheck,
    check_prediction_guarded,
    plan_predictions,
    prediction_files,
)
from core.files import file_stamp
from core.jobs.kinds import ImportPredictionsParams, ImportPredictionsResult, JobKind
from core.jobs.rows import Priority, active_jobs, jobs, submit
from core.label_scheme import LabelScheme
from core.labels.polarity import Foreground
from core.labels.reading import LabelSource
from core.settings import current_settings
from core.store.import_batch import Part, new_batch, take_upload
from core.store.records import ImageRecord, JobState, ProjectRecord, Split
from core.wording import counted, some_of
from ui.access import named_path
from ui.errors import explained, plain
from ui.parts.dropped_files import FIND_OUT, LABEL_SOURCES, forget_button, on_server, usable_files, waiting_files
from ui.parts.job_bars import job_problem, live_jobs
from ui.parts.label_colors import asked_colors, shows_colors
from ui.parts.label_questions import asked_object_class
from ui.parts.light_or_dark import asked_foreground
from ui.parts.refusals import refusals_panel
from ui.parts.units import shape_cell
from ui.person import person
from ui.state import Query, StateKey, set_query
from ui.uploader import uploader

_DEEP_PX: Final = 100_000_000
"""Pixels that are read for the preview, some seconds' worth; of later files only sizes are checked."""


def import_panel(project: ProjectRecord, labelled: Sequence[ImageRecord]) -> None:
    """Files, what belongs to what, the button.

    Parameters
    ----------
    project
        Whose classes the label maps use.
    labelled
        Its images with reference labels: the test set where there is one, else all, may be predicted.
    """
    test = [image for image in labelled if image.split is Split.TEST]
    images = test or list(labelled)
    whose = counted(len(images), "image") + (" of the test set" if test else " with reference labels")
    st.caption(
        f"Label maps are compared with the references of {whose}. They are matched by name: liver_1.png or "
        "liver_1_mitochondria.png match liver_1.tif."
    )
    files, batch_id = _on_server(project) if on_server(project.id, key="results-files-way") else _dropped()
    if not files:
        return
    left, right = st.columns(2)
    maker = left.text_input(
        "Program or model", placeholder="nnU-Net 2D, July", key=f"results-maker-{_begun()}", max_chars=100
    ).strip()
    with right:
        source = st.segmented_control(
            "Label format", list(LABEL_SOURCES), default=FIND_OUT, key="results-source", required=True
        )
    _preview(project, images, files, LABEL_SOURCES[source or FIND_OUT], maker, batch_id)


def imports_panel(project_id: str) -> None:
    """The import of predictions that runs, or how the last one of this tab ended badly."""
    if active_jobs(kinds=[JobKind.IMPORT_PREDICTIONS], project_id=project_id):
        live_jobs(JobKind.IMPORT_PREDICTIONS, project_id, key="results-import")
        return
    last = next(iter(jobs(kinds=[JobKind.IMPORT_PREDICTIONS], project_id=project_id, limit=1)), None)
    if last is None:
        return
    seen: list[str] = st.session_state.setdefault(StateKey.SEEN_IMPORTS, [])
    outcomes = ImportPredictionsResult.of(last).outcomes
    refused = [outcome for outcome in outcomes if outcome.cause]
    if last.id in seen or (last.state is JobState.SUCCEEDED and not refused):
        return
    with st.container(border=True):
        if last.state is not JobState.SUCCEEDED and job_problem(last, key="results-import"):
            st.rerun()
        if last.state is JobState.SUCCEEDED:
            sentences = [Refusal(each.cause, each.remedy, where=each.name) for each in refused]
            refusals_panel(sentences, "prediction", others=len(outcomes) - len(refused), past=True)
        if st.button("Close", key=f"results-import-close-{last.id}", type="tertiary", icon=":material/close:"):
            seen.append(last.id)
            st.rerun()


def preview_table(checks: Sequence[PredictionCheck], missing: Sequence[ImageRecord]) -> pd.DataFrame:
    """One row per image: its files, sizes, whether they can be used."""
    rows: list[dict[str, Any]] = [
        {
            "Image": check.case.image_name,
            "Label maps": ", ".join(path.name for path in check.case.paths),
            "Size of image": shape_cell(check.case.shape_yx),
            "Size of labels": shape_cell(check.shape_yx) if check.shape_yx else "",
            "State": "refused" if check.cause else "; ".join(("ready", *check.notes)),
        }
        for check in checks
    ]
    rows += [
        {
            "Image": image.name,
            "Label maps": "none",
            "Size of image": shape_cell(image.shape_yx),
            "Size of labels": "",
            "State": "no label map of this name",
        }
        for image in missing
    ]
    return pd.DataFrame(rows)


def _preview(
    project: ProjectRecord,
    images: Sequence[ImageRecord],
    files: Sequence[Path],
    source: LabelSource | None,
    maker: str,
    batch_id: str | None,
) -> None:
    """What pairs with what; nothing is written before the button."""
    plan = plan_predictions(images, files, source)
    checks = _checked(plan.cases, project.scheme)
    answers, colors = _asked(project, checks)
    asking = [check.case.paths[0].name for check in checks if check.asks_class]
    class_id = asked_object_class(project, asking, key=f"results-object-class-{_begun()}")
    cases = [_answered(project, check, answers, colors, class_id) for check in checks]
    if cases != list(plan.cases):
        checks = _checked(cases, project.scheme)
    for names, problem in (
        (plan.strays, "match none of these images by name and are skipped"),
        (plan.ambiguous, "match more than one image, so the files cannot be assigned"),
    ):
        if names:
            st.warning(f"{plain(some_of(names))} {problem}.", icon=":material/link_off:")
    usable = [check.case for check in checks if check.usable]
    refusals = [Refusal(check.cause, check.remedy, where=check.case.image_name) for check in checks if check.cause]
    refusals_panel(refusals, "prediction", others=len(usable))
    st.dataframe(
        preview_table(checks, plan.missing),
        hide_index=True,
        placeholder="–",
        width="stretch",
        key="results-import-preview",
        column_config={
            name: st.column_config.TextColumn(alignment="right") for name in ("Size of image", "Size of labels")
        },
    )
    label = f"Evaluate {counted(len(usable), 'prediction')}"
    if st.button(label, type="primary", icon=":material/play_arrow:", disabled=not usable, key="results-import-begin"):
        params = ImportPredictionsParams(
            project_id=project.id,
            cases=tuple(case.to_json() for case in usable),
            maker=maker,
            batch_id=batch_id or "",
        )
        submit(params, by=person(), priority=Priority.INTERACTIVE)
        set_query(Query.BATCH, None)
        set_query(Query.EVALUATION, None)
        st.session_state[StateKey.RESULTS_BEGUN] = _begun() + 1
        st.rerun()


def _asked(
    project: ProjectRecord, checks: Sequence[PredictionCheck]
) -> tuple[dict[Path, Foreground], tuple[tuple[int, int], ...]]:
    """What only a person can say: light or dark objects, and which colour is which class."""
    refused = [check.case.paths[place] for check in checks if check.cause for place in check.doubtful]
    remarked = [check.case.paths[place] for check in checks if not check.cause for place in check.doubtful]
    answers = asked_foreground(refused, key=f"results-light-{_begun()}")
    answers |= asked_foreground(remarked, key=f"results-light-remarked-{_begun()}", refused=False)
    painted = [check.case.paths[0] for check in checks if _is_painted(project, check)]
    return answers, asked_colors(project, painted, key=f"results-color-{_begun()}")


def _is_painted(project: ProjectRecord, check: PredictionCheck) -> bool:
    """Whether a prediction is painted in colours, not in class numbers that look like black."""
    one = check.source is LabelSource.RGB and len(check.case.paths) == 1
    return one and shows_colors(project.scheme, check.case.paths[0])


def _answered(
    project: ProjectRecord,
    check: PredictionCheck,
    answers: Mapping[Path, Foreground],
    colors: tuple[tuple[int, int], ...],
    class_id: int | None,
) -> PredictionCase:
    """The case with what a person said of it."""
    paths = check.case.paths
    sentences = tuple((place, answers[paths[place]]) for place in check.doubtful if paths[place] in answers)
    case = replace(check.case, foregrounds=sentences) if sentences else check.case
    if class_id is not None and check.asks_class:
        return replace(case, source=LabelSource.OBJECTS, class_ids=(class_id,) * len(paths))
    return replace(case, source=LabelSource.RGB, colors=colors) if colors and _is_painted(project, check) else case


def _on_server(project: ProjectRecord) -> tuple[tuple[Path, ...], None]:
    """The files of a folder as typed."""
    folder = st.text_input(
        "Folder of the label maps", placeholder="/data/predictions", key=f"results-folder-{_begun()}"
    ).strip()
    if not folder:
        st.caption("Enter a path on the server. You see a preview before anything is copied.")
        return (), None
    found: tuple[Path, ...] = ()
    with explained():
        found = prediction_files(named_path(folder, project.id))
    return found, None


def _dropped() -> tuple[tuple[Path, ...], str | None]:
    """The files that were dropped; they survive a reload of the page."""
    settings = current_settings()
    batch = waiting_files()
    for upload in uploader(key=f"results-labels-{_begun()}", label="Drop label maps here"):
        if batch is None:
            batch = new_batch(settings, by=person())
            set_query(Query.BATCH, batch.id)
        with explained():
            take_upload(settings, batch, upload.upload_id, Part.LABELS)
    files = batch.files(Part.LABELS) if batch else ()
    if batch is None or not files:
        return (), None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{counted(len(files), 'file')}** waiting.")
        forget_button(batch)
    return usable_files(files), batch.id


def _checked(cases: Sequence[PredictionCase], scheme: LabelScheme) -> list[PredictionCheck]:
    """What the files hold; read once, until they change."""
    checks, read_px = [], 0
    for case in cases:
        checks.append(_check(case, scheme, read_px < _DEEP_PX, tuple(file_stamp(path) for path in case.paths)))
        read_px += case.shape_yx[0] * case.shape_yx[1]
    return checks


@remembered("checked predictions of an import", "what files hold that are about to be imported", limit_bytes=32 * MB)
def _check(
    case: PredictionCase, scheme: LabelScheme, deep: bool, stamps: tuple[tuple[int, int], ...]
) -> PredictionCheck:
    """`check_prediction`, remembered as long as the files are the same."""
    return check_prediction_guarded(case, scheme, deep=deep)


def _begun() -> int:
    return int(st.session_state.get(StateKey.RESULTS_BEGUN, 0))
