"""Choosing what to train on and how; the short way is one button."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import pandas as pd
import streamlit as st

from core.errors import CristaeError
from core.jobs.kinds import JobKind, TimeTrainingParams
from core.jobs.rows import active_jobs, jobs, submit
from core.learning.checks import TrainingCheck, check_training
from core.learning.objects_ahead import objects_ahead
from core.learning.speed import TrainingSpeed, known_speed
from core.learning.start import TrainingPlan, coming_names, start_training
from core.learning.training_labels import TrainingLabels, training_labels
from core.models.names import MAX_NAME_LENGTH
from core.models.store import StoredModel
from core.store.records import ImageRecord, ProjectRecord, Split
from core.training.options import default_of
from core.training.presets import PRESET_TITLES, PRESETS, Preset
from ui import context
from ui.errors import explaining, plain
from ui.parts.charts import balance_bars
from ui.parts.first_labels import first_labels
from ui.parts.gallery import thumbnail_address
from ui.parts.names import model_choice
from ui.parts.options import choice, titled
from ui.parts.pixel_size_field import pixel_size_field
from ui.parts.side_by_side import side_by_side
from ui.parts.units import bytes_text, duration_text, shape_cell
from ui.person import person
from ui.state import Query, StateKey, set_query
from ui.train.options import option_fields

SCRATCH: Final = ""
"""Choice of no parent."""

TIMING_S: Final = 2.0
"""How often the page looks whether a measurement is there."""

_ALL: Final = ""
"""Choice of all specimens, stacks or splits."""


def setup_panel(project: ProjectRecord) -> None:
    """Images, what they hold, preset, parent, time, name, and the button."""
    images = context.store().images.all(project.id)
    labels = training_labels(context.store(), project.id)
    references = {image_id: each.summary for image_id, each in labels.items()}
    labelled = [image for image in images if image.id in references]
    if not labelled:
        _nothing_to_learn(project)
        return
    left, right = side_by_side([3, 2], gap="large", key="train")
    with left:
        st.subheader("Training images", anchor=False)
        chosen = _choose(project, labelled)
    with right:
        parent = _how(project)
        parent_scheme = parent.scheme if parent else None
        check = check_training(chosen, images, references, project.scheme, parent_scheme=parent_scheme)
    with left:
        _what_they_hold(check, len(chosen))
        _objects(chosen, labels, parent)
    with right:
        _begin(project, chosen, parent, check)


def _nothing_to_learn(project: ProjectRecord) -> None:
    with st.container(border=True):
        st.subheader("No reference labels yet", anchor=False)
        st.markdown(
            f"A model is trained on images and their label maps. {plain(project.name)} has no label maps yet: "
            "import some on the Data page, or draw the first ones on the Correct page."
        )
    first_labels(project, key="train")


def _choose(project: ProjectRecord, labelled: list[ImageRecord]) -> list[ImageRecord]:
    """A table with ticks; images of the test set cannot be ticked."""
    usable = [image for image in labelled if image.split is not Split.TEST]
    held = len(labelled) - len(usable)
    shown = _filtered(project, usable)
    decided = any(image.split is Split.TRAIN for image in usable)
    table = pd.DataFrame(
        {
            "use": pd.array([image.split is Split.TRAIN or not decided for image in shown], dtype="bool"),
            "picture": [f"/{thumbnail_address(image)}" for image in shown],
            "name": [image.name for image in shown],
            "size": [shape_cell(image.shape_yx) for image in shown],
            "nm": [image.pixel_size.nm for image in shown],
            "specimen": [image.specimen for image in shown],
            "stack": [image.stack for image in shown],
            "split": [image.split.value for image in shown],
        },
        index=[image.id for image in shown],
    )
    edited = st.data_editor(
        table,
        column_config={
            "use": st.column_config.CheckboxColumn("Use", width="small"),
            "picture": st.column_config.ImageColumn("", width="small"),
            "name": "Image",
            "size": st.column_config.TextColumn("Size", alignment="right"),
            "nm": st.column_config.NumberColumn("nm/px", format="%.4g", width="small"),
            "specimen": "Specimen" if any(image.specimen for image in shown) else None,
            "stack": "Stack" if any(image.stack for image in shown) else None,
            "split": st.column_config.TextColumn("Split", width="small"),
        },
        disabled=["picture", "name", "size", "nm", "specimen", "stack", "split"],
        hide_index=True,
        placeholder="–",
        height=min(38 * (len(shown) + 1) + 2, 380),
        key=f"train-images-{_version(shown)}",
    )
    ticked = set(edited.index[edited["use"]])
    text = f"{len(ticked)} of {len(usable)} images with reference labels."
    if held:
        text += f" {held} in the test set: never used for training."
    st.caption(text)
    return [image for image in shown if image.id in ticked]


def _version(images: list[ImageRecord]) -> str:
    """Changes with the rows: ticks are kept by position, and must not move to other images when a filter changes."""
    rows = "".join(f"{image.id}{image.split.value}" for image in images)
    return hashlib.sha256(rows.encode()).hexdigest()[:16]


def _filtered(project: ProjectRecord, images: list[ImageRecord]) -> list[ImageRecord]:
    """Only those of one specimen, stack or split, where there are several."""
    filters = [
        (what, sorted({str(getattr(image, what)) for image in images if getattr(image, what)}))
        for what in ("specimen", "stack", "split")
    ]
    offered = [(what, values) for what, values in filters if len(values) > 1]
    if not offered:
        return images
    for column, (what, values) in zip(st.columns(len(offered)), offered, strict=True):
        texts = {_ALL: "All"} | {value: value for value in values}
        wanted = choice(what.capitalize(), texts, key=f"train-{what}-{project.id}", place=column)
        if wanted != _ALL:
            images = [image for image in images if str(getattr(image, what)) == wanted]
    return images


def _what_they_hold(check: TrainingCheck, count: int) -> None:
    for refusal in check.refusals:
        st.error(plain(str(refusal)), icon=":material/block:")
    for text in check.warnings:
        st.warning(plain(text), icon=":material/warning:")
    if check.labelled_px:
        st.markdown("**Class balance**, in % of the labelled pixels")
        st.plotly_chart(balance_bars(check.balance), config={"displayModeBar": False}, key="balance")
        ignored = check.ignored_px / (check.labelled_px + check.ignored_px)
        st.caption(
            f"{count} image{'s' if count != 1 else ''}, {check.labelled_px / 1e6:.2f} million labelled pixels"
            + (f"; {ignored:.0%} of the area is not labelled and is ignored." if ignored > 0 else ".")
        )


def _objects(chosen: list[ImageRecord], labels: Mapping[str, TrainingLabels], parent: StoredModel | None) -> None:
    """What the model will learn of touching objects."""
    try:
        told = objects_ahead(context.store(), chosen, labels, default_of(TrainingPlan, "separation"), parent)
    except CristaeError as error:  # a damaged file must not take the choice of other images away
        st.warning(plain(str(error)), icon=":material/warning:")
        return
    if told:
        st.caption(":material/join_inner: " + "  \n".join(plain(text) for text in told))


def _how(project: ProjectRecord) -> StoredModel | None:
    """Preset and parent; what they mean on this machine."""
    st.subheader("Settings", anchor=False)
    preset = st.segmented_control(
        "Preset",
        list(Preset),
        default=Preset.COMPACT,
        format_func=titled(PRESET_TITLES),
        key="train-preset",
    )
    info = PRESETS[preset or Preset.COMPACT]
    st.caption(info.description)
    _speed(info.preset)
    models = context.offered_models()
    proposed = _proposed_parent(project)
    parent = model_choice(
        "Start from",
        models,
        nothing="Nothing (from scratch)",
        first=proposed,
        key=f"train-parent-{project.id}-{proposed}",
        help="Fine-tuning keeps the model's architecture and is faster if it was trained on similar images.",
    )
    return models.get(parent)


def _proposed_parent(project: ProjectRecord) -> str:
    """The current model where it is the project's own; else a training begins from scratch."""
    current = context.find_current_model(project.id)
    return current.model.id if current and current.own else SCRATCH


def _speed(preset: Preset) -> None:
    """What the preset means here, measured; or the way to measure it."""
    if preset is Preset.COMPACT and _never_timed():
        submit(TimeTrainingParams(preset=preset), by=None)  # in no person's name: it makes way for the first training
    if _being_timed(preset):
        _timing(preset)
        return
    speed = known_speed(context.store(), preset)
    if speed:
        st.caption(f":material/timer: Measured here: {_meaning(speed)}.")
    label = "Measure again" if speed else "Measure on this machine"
    if st.button(label, icon=":material/timer:", type="tertiary", key=f"time-{preset.value}"):
        submit(TimeTrainingParams(preset=preset), by=person())
        st.rerun()


@st.fragment(run_every=TIMING_S)
@explaining
def _timing(preset: Preset) -> None:
    """Looks until the measurement is there."""
    if not _being_timed(preset):
        st.rerun()
    st.caption(":material/timer: Measuring the training speed on this machine…")


def _never_timed() -> bool:
    """Whether the machine is idle and has not been measured, nor tried to be."""
    known = known_speed(context.store(), Preset.COMPACT)
    return known is None and not active_jobs() and not jobs(kinds=[JobKind.TIME_TRAINING], limit=1)


def _being_timed(preset: Preset) -> bool:
    timing = active_jobs(kinds=[JobKind.TIME_TRAINING])
    return any(TimeTrainingParams.from_json(row.params).preset is preset for row in timing)


def _meaning(speed: TrainingSpeed) -> str:
    """Time and memory of a preset, in numbers that help to choose."""
    info = PRESETS[speed.preset]
    if info.minutes:
        iterations = 60 * info.minutes / max(speed.seconds_per_iteration, 1e-6)
        meaning = f"{info.minutes:g} minutes are about {iterations:,.0f} iterations"
    else:
        epochs = info.epochs or 0
        meaning = f"{epochs:,} epochs take about {duration_text(epochs * 250 * speed.seconds_per_iteration)}"
    return f"{speed.seconds_per_iteration:.2g} s an iteration, {meaning}; {bytes_text(speed.memory_bytes)} of memory"


def _name_field(project: ProjectRecord, preset: Preset) -> str:
    """The new model's name. What is proposed is free, and follows the preset until somebody types another."""
    coming = coming_names(context.store())
    proposed = context.models().free_name(f"{project.name} {preset.value}", coming=coming)
    begun = st.session_state.get(StateKey.TRAININGS_BEGUN, 0)  # each training begins with a field that nobody typed in
    key = f"train-name-{project.id}-{begun}"
    if st.session_state.get(key) in (None, st.session_state.get(f"{key}-proposed")):
        st.session_state[key] = st.session_state[f"{key}-proposed"] = proposed
    typed = str(st.text_input("Name of the model", key=key, max_chars=MAX_NAME_LENGTH))
    free = context.models().free_name(typed, coming=coming)
    if free != " ".join(typed.split()):
        st.caption(f":material/info: {plain(f'This name is in use: the new model will be named {free}.')}")
    return typed


def _begin(project: ProjectRecord, chosen: list[ImageRecord], parent: StoredModel | None, check: TrainingCheck) -> None:
    """Time, name, options, and the button."""
    preset = Preset(st.session_state.get("train-preset") or Preset.COMPACT)
    by_time = PRESETS[preset].minutes is not None
    unit = st.segmented_control(
        "Duration",
        ["minutes", "epochs"],
        default="minutes" if by_time else "epochs",
        key=f"train-unit-{preset.value}",
    )
    length: float = st.number_input(
        "Minutes" if unit == "minutes" else "Epochs of 250 iterations",
        min_value=1.0 if unit == "minutes" else 1,
        value=(PRESETS[preset].minutes or 60.0) if unit == "minutes" else PRESETS[preset].epochs or 20,
        key=f"train-length-{preset.value}-{unit}",
        label_visibility="collapsed",
    )
    name = _name_field(project, preset)
    with st.expander("More", icon=":material/tune:"):
        options = option_fields(TrainingPlan, key="train")
        fixed = pixel_size_field("Training pixel size", placeholder="median of the images")
    if st.button(
        "Train", type="primary", icon=":material/model_training:", width="stretch",
        disabled=bool(check.refusals) or fixed.refused,
    ):  # fmt: skip
        plan = TrainingPlan(
            project.id, [image.id for image in chosen], name, parent.id if parent else None, preset=preset,
            minutes=float(length) if unit == "minutes" else None,
            epochs=int(length) if unit != "minutes" else None,
            pixel_size_nm=fixed.nm, **options,
        )  # fmt: skip
        row = start_training(context.store(), plan, by=person())
        st.session_state[StateKey.TRAININGS_BEGUN] = st.session_state.get(StateKey.TRAININGS_BEGUN, 0) + 1
        set_query(Query.JOB, row.id)
        st.rerun()
