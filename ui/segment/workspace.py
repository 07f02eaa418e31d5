"""The Segment page with an image: viewer on the left, what to do and what was found on the right."""

from __future__ import annotations

import streamlit as st

from core.access.roles import Permission
from core.batches.plan import SegmentPlan
from core.batches.start import images_to_do, segment_images
from core.errors import NotFoundError
from core.exports.request import COUNTS
from core.jobs.kinds import JobKind
from core.jobs.rows import active_jobs, job, jobs, let_go
from core.measurements.sources import Source, SourceKind
from core.models.store import StoredModel
from core.predictions.shown import made_revision, newest_reference, outdated, prediction_without_model
from core.predictions.verdicts import verdict_on
from core.store.label_maps import program_of
from core.store.records import ImageRecord, JobRecord, JobState, RevisionRecord
from core.wording import counted
from ui import context
from ui.access import allowed, gate, may_run_again, origin_text
from ui.address import kept_in_address
from ui.errors import explained, explaining, plain, show_error
from ui.pages import CORRECT_PAGE, MEASURE_PAGE
from ui.parts.arrivals import arrival_notes
from ui.parts.class_match import class_match, matched_classes, translation_for
from ui.parts.first_labels import first_labels, poor_result
from ui.parts.job_bars import POLL_S, job_bar, job_problem
from ui.parts.names import model_choice
from ui.parts.no_model import no_model
from ui.parts.options import titled
from ui.parts.pixel_size_change import use_measured_scale
from ui.parts.scroll import scroll_to
from ui.parts.takeaway import takeaway_button
from ui.parts.trash import trashed_notice
from ui.parts.undertrained import undertrained_notice
from ui.parts.units import duration_text, field_text, pixel_size_text, shape_text
from ui.person import person
from ui.segment.coverage import coverage_panel, downloads_panel
from ui.segment.object_sizes import object_sizes_panel
from ui.segment.pixel_size import pixel_size_panel
from ui.segment.predict import begin_prediction
from ui.segment.verdict import verdict_panel
from ui.state import Query, StateKey, query, set_query
from ui.viewer import LabelLayer, viewer

VIEWER_HEIGHT_PX = 720
_STEPS = (0.5, 0.625, 0.75, 0.875, 1.0)
"""Shares of a tile between one tile and the next."""


def workspace(image_id: str) -> None:
    """Everything about one image."""
    image = _asked_for(image_id)
    if image is None:
        return
    if not gate(Permission.VIEW, image.project_id):
        _all_images()
        return
    scroll_to("", token=image.id, key="segment-scroll")  # a card at the end of a long page opens at the image
    trashed_notice(image)
    model = _chosen_model(image)
    arrival_notes()
    _header(image)
    running = _running(image, model) if model else None
    finished = context.prediction(image.id, model.id) if model else None
    finished = finished or prediction_without_model(context.store(), context.models(), image.id)
    if model and running is None:
        running = _begin_if_wanted(image, model)
    elif running:
        st.session_state.pop(StateKey.PREDICT_NEXT, None)  # it has waited for this size, or begins with it already
    _stack(image, model)
    picture, panel = st.columns([2.5, 1.25], gap="small")
    with panel, st.container(key="segment-panel"):
        if model:
            _model_panel(image, model)
            _prediction_panel(image, model, finished, running)
        else:
            if finished:
                _found(image, finished)
            no_model(key="segment")
            first_labels(context.store().projects.get(image.project_id), key="segment", image_id=image.id)
    with picture:
        _viewer(image, model, finished, running)


def _asked_for(image_id: str) -> ImageRecord | None:
    """The image of the address; where there is none, that is said, with a way on."""
    try:
        return context.store().images.get(image_id)
    except NotFoundError as error:
        show_error(error.cause, "It was deleted permanently, or the link points to another Cristae server.")
    _all_images()
    return None


def _all_images() -> None:
    """The way on from an image that cannot be shown."""
    if st.button("All images", icon=":material/photo_library:"):
        _leave()


def _leave() -> None:
    """Back to the page without an image."""
    st.query_params.clear()
    st.rerun()


def _header(image: ImageRecord) -> None:
    """Name, facts, a way back."""
    row = st.container(horizontal=True, vertical_alignment="center")
    left = row.container(gap="small")
    left.subheader(plain(image.name), anchor=False)
    facts = [
        shape_text(image.shape_yx),
        field_text(image.shape_yx, image.pixel_size),
        pixel_size_text(image.pixel_size),
    ]
    left.caption(" · ".join(fact for fact in [*facts, image.dtype] if fact))
    if row.button("Another image", icon=":material/add_photo_alternate:"):
        _leave()
    for text in image.notices:
        left.caption(f":material/info: {plain(text)}")


def _stack(image: ImageRecord, model: StoredModel | None) -> None:
    """Go through the planes of a stack; segment those that are not yet."""
    if not image.stack:
        return
    planes = sorted(
        (other for other in context.store().images.all(image.project_id) if other.stack == image.stack),
        key=lambda other: other.z_index or 0,
    )
    if len(planes) < 2:
        return
    row = st.container(horizontal=True, vertical_alignment="bottom")
    left = row.container()
    position = next(index for index, other in enumerate(planes) if other.id == image.id)
    chosen = left.slider("Plane", 1, len(planes), position + 1, key=f"plane-{image.id}")
    if chosen != position + 1:
        set_query(Query.IMAGE, planes[chosen - 1].id)
        st.rerun()
    takeaway_button(
        f"Export {len(planes)} planes", image.project_id, [plane.id for plane in planes],
        key=f"takeaway-stack-{image.id}", title=image.stack,
    )  # fmt: skip
    if model is None or not allowed(Permission.PAINT, image.project_id) or not _matched(image, model):
        return
    missing = images_to_do(context.store(), [plane.id for plane in planes], model.id).to_do
    under_way = {row.image_id for row in active_jobs(kinds=[JobKind.PREDICT])}
    waiting = [image_id for image_id in missing if image_id not in under_way]
    label = f"Segment {counted(len(waiting), 'plane')}" if waiting else "All planes done or in progress"
    if row.button(label, icon=":material/layers:", disabled=not waiting):
        segment_images(context.store(), waiting, SegmentPlan(model_id=model.id), by=person())
        st.rerun()


def _chosen_model(image: ImageRecord) -> StoredModel | None:
    """The model of the address, else the one that the image opens with."""
    wanted = query(Query.MODEL)
    model = next((item for item in context.seen_models() if item.id == wanted), None)
    if model is None:
        model = context.opening_model(image)
        if wanted and model:
            text = f"Model {wanted} does not exist or was deleted. {model.card.name} is used instead."
            st.warning(plain(text), icon=":material/model_training:")
        elif model:
            set_query(
                Query.MODEL, model.id
            )  # so that a copied link means this model, whatever the current one is later
    return model


def _model_panel(image: ImageRecord, model: StoredModel) -> None:
    """Which model, where it comes from, what to beware of."""
    available = context.offered_models(model.id)
    key = f"model-{image.id}"
    model_choice("Model", available, key=key, on_change=kept_in_address(Query.MODEL, key, available, model.id))
    _current_line(image, model)
    undertrained_notice(model, key=f"segment-{image.id}")
    if model.card.warning:
        st.caption(f":orange[:material/warning:] {plain(model.card.warning)}")
    with st.popover("About this model", icon=":material/info:", type="tertiary"):
        _about(model)


def _current_line(image: ImageRecord, model: StoredModel) -> None:
    """Where another model is shown than the project's current one: said, with one click to that."""
    current = context.current_model(image.project_id, image.id)
    if current is None or current.id == model.id:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"Current model of this project: {plain(current.card.name)}", width="content")
        if st.button("Use model", key=f"current-{image.id}", type="tertiary", icon=":material/model_training:"):
            set_query(Query.MODEL, current.id)
            st.rerun()


def _about(model: StoredModel) -> None:
    """The card, in words."""
    card = model.card
    st.markdown(f"**{plain(card.name)}**  \n{plain(card.description or 'No description.')}")
    size = "unknown" if model.pixel_size_nm is None else f"{model.pixel_size_nm:g} nm per pixel"
    facts = {
        "Origin": origin_text(card.origin) or "unknown",
        "Classes": ", ".join(item.name for item in model.scheme.classes),
        "Trained at": size,
        "Trained on": f"{counted(card.training.images, 'image')}, {card.training.minutes:.0f} min"
        if card.training.images
        else "",
        "Parent": context.model_name(card.parent) if card.parent else "",
        "Preset": card.preset,
        "Folds": ", ".join(model.folds),
        "Made": card.created,
        "Licence of the training data": card.training.licence,
    }
    st.markdown("  \n".join(f"{name}: {plain(value)}" for name, value in facts.items() if value))


def _running(image: ImageRecord, model: StoredModel) -> JobRecord | None:
    """The unfinished prediction of this image by this model."""
    return next(iter(active_jobs(kinds=[JobKind.PREDICT], image_id=image.id, model_id=model.id)), None)


def _last_problem(image: ImageRecord, model: StoredModel) -> JobRecord | None:
    """The newest prediction of this image by this model, if it did not end well."""
    last = next(iter(jobs(kinds=[JobKind.PREDICT], image_id=image.id, model_id=model.id, limit=1)), None)
    return last if last and last.finished and last.state is not JobState.SUCCEEDED else None


def _begin_if_wanted(image: ImageRecord, model: StoredModel) -> JobRecord | None:
    """Segment an image whose pixel size was just entered, without being asked."""
    if st.session_state.get(StateKey.PREDICT_NEXT) != image.id or not _matched(image, model):
        return None
    st.session_state.pop(StateKey.PREDICT_NEXT)
    if not allowed(Permission.PAINT, image.project_id):
        return None
    return begin_prediction(image.id, model.id)


def _matched(image: ImageRecord, model: StoredModel) -> bool:
    """Whether it is known what all of the model's classes are in the image's project."""
    return not translation_for(context.store().projects.get(image.project_id), model).undecided


def _needs_pixel_size(image: ImageRecord, model: StoredModel) -> bool:
    """Whether the model's scale is known but the image's is not."""
    return image.pixel_size.nm is None and model.pixel_size_nm is not None


def _prediction_panel(
    image: ImageRecord, model: StoredModel, finished: RevisionRecord | None, running: JobRecord | None
) -> None:
    """Progress while it runs, else the way to begin; then what was found."""
    may_paint = allowed(Permission.PAINT, image.project_id)
    project = context.store().projects.get(image.project_id)
    matched = class_match(project, model, key="segment")
    if matched:
        matched_classes(project, model, key="segment")
    asked = may_paint and _needs_pixel_size(image, model)
    if asked:
        pixel_size_panel(image, model, asked=True)
    if running and running.state is JobState.HELD:
        _held(running, model)
    elif running:
        _progress(running.id, _revision_id(running))
    elif finished:
        _found(image, finished)
        with st.popover("Not what you expected?", icon=":material/lightbulb:", type="tertiary"):
            poor_result(image, model)
    else:
        problem = _last_problem(image, model)
        if problem and job_problem(problem, key="predict"):
            st.rerun()
    if not running:
        if may_paint and not asked:
            pixel_size_panel(image, model, asked=False)
        if matched:
            _begin_controls(image, model, again=finished is not None and finished.model_id == model.id)


def _held(row: JobRecord, model: StoredModel) -> None:
    """It waits for the pixel size: the way without one."""
    st.caption(":material/pause_circle: Segmentation starts once the pixel size is known.")
    if may_run_again(row) and st.button(f"Assume {model.pixel_size_nm:g} nm per pixel", key=f"assume-{row.id}"):
        with explained():
            let_go(row.id, by=person())
        st.rerun()


def _found(image: ImageRecord, finished: RevisionRecord) -> None:
    """What a finished prediction says, and how it was made."""
    made_by = finished.model_id or program_of(finished)
    if all(model.id != finished.model_id for model in context.models().list()):
        st.caption(f":material/info: {plain(f'Segmented by {made_by}, which is not in the model store.')}")
    if outdated(image, finished):
        text = "The pixel size changed after these masks were created. Segment again to update them."
        st.warning(text, icon=":material/straighten:")
    verdict_panel(image, finished)
    coverage_panel(image, finished)
    object_sizes_panel(image, finished)
    downloads_panel(image, finished)
    takeaway_button(
        "Export", image.project_id, [image.id], key=f"takeaway-{image.id}", title=image.name,
        labels=f"model:{finished.model_id}" if finished.model_id else COUNTS, width="stretch",
    )  # fmt: skip
    _to_correct(image, finished)
    _to_measure(image, finished)
    _how_made(finished)


def _to_correct(image: ImageRecord, finished: RevisionRecord) -> None:
    """One click to the brush, on the prediction that is shown."""
    if not allowed(Permission.PAINT, image.project_id) or not st.button(
        "Correct this image", icon=":material/brush:", width="stretch", key=f"correct-{finished.id}"
    ):
        return
    target = {
        Query.PROJECT.value: image.project_id,
        Query.IMAGE.value: image.id,
        Query.REVISION.value: finished.id,
    }
    st.switch_page(CORRECT_PAGE, query_params=target)


def _to_measure(image: ImageRecord, finished: RevisionRecord) -> None:
    """One click to the size of every object."""
    if finished.model_id is None or not st.button(
        "Measure objects", icon=":material/straighten:", width="stretch", key=f"measure-{finished.id}"
    ):
        return
    target = {
        Query.PROJECT.value: image.project_id,
        Query.SOURCE.value: Source(SourceKind.MODEL, finished.model_id).key,
        Query.IMAGE.value: image.id,
    }
    st.switch_page(MEASURE_PAGE, query_params=target)


@st.fragment(run_every=POLL_S)
@explaining
def _progress(job_id: str, shown_revision: str | None) -> None:
    """Live bar; the page is drawn anew when a first block or the end has come."""
    row = job(job_id)
    if row.finished or _revision_id(row) != shown_revision:
        st.rerun()
    job_bar(row, key="predict")


def _revision_id(row: JobRecord) -> str | None:
    """The label map that a prediction is writing, as soon as there is one."""
    return made_revision(row) or None


def _shown_revision(running: JobRecord | None, finished: RevisionRecord | None) -> str | None:
    """The label map to look at: the one that is being written, unless it has gone with its job a moment ago."""
    if running is None:
        return finished.id if finished else None
    written = _revision_id(running)
    try:
        return context.store().revisions.get(written).id if written else None
    except NotFoundError:
        return None


def _begin_controls(image: ImageRecord, model: StoredModel, *, again: bool) -> None:
    """The options and the button."""
    if not gate(Permission.PAINT, image.project_id):
        return
    with st.expander("Segment again" if again else "Options", icon=":material/tune:"):
        step = st.select_slider(
            "Tile step",
            _STEPS,
            value=0.5,
            format_func=titled({step: f"{step:g}" for step in _STEPS}),
            help=(
                "Distance between neighbouring tiles as a fraction of the tile size. 0.5 is most accurate; "
                "larger steps are faster."
            ),
        )
        mirroring = st.toggle(
            "Mirroring (test-time augmentation)",
            help=("Averages predictions of mirrored copies. Up to four times slower, usually slightly better."),
        )
        place = st.container()
    if again:
        wanted = place.button("Segment with options", icon=":material/play_arrow:", width="stretch")
    else:
        wanted = st.button("Segment", type="primary", icon=":material/play_arrow:", width="stretch")
    if wanted:
        begin_prediction(image.id, model.id, step=step, mirroring=mirroring)
        st.rerun()


def _how_made(revision: RevisionRecord) -> None:
    """Where the numbers come from."""
    summary = revision.details.get("summary", {})
    parts = []
    if summary.get("backend"):
        parts.append(
            f"{summary['backend']} on {summary.get('device', 'CPU')}, {summary.get('precision', '')} arithmetic"
        )
    if summary.get("seconds"):
        parts.append(f"{duration_text(summary['seconds'])}")
    if parts:
        st.caption("Made with " + plain("; ".join(parts)) + ".")
    for text in summary.get("notices", ()):
        st.caption(f":material/info: {plain(text)}")


def _viewer(
    image: ImageRecord, model: StoredModel | None, finished: RevisionRecord | None, running: JobRecord | None
) -> None:
    """The image with the newest prediction, and the reference where there is one."""
    layers = []
    shown = _shown_revision(running, finished)
    known = newest_reference(context.store(), image.id)
    if known:
        layers.append(LabelLayer(known.id, "Reference", visible=shown is None, style="outline"))
        if shown is None:  # on this page outlines are taken for what the model beside them has found
            st.caption(":material/info: The outlines are the reference labels. This image has no prediction yet.")
    if shown:
        faded = finished is not None and shown == finished.id and verdict_on(context.store(), finished).distrusted
        if faded:
            st.caption(":material/info: Outlines only: this model has probably never seen tissue like this.")
        layers.append(LabelLayer(shown, "Prediction", style="outline" if faded else None))
    state = viewer(
        image.id,
        classes=context.store().projects.get(image.project_id).scheme.classes,
        layers=layers,
        isolated_class=st.session_state.get(StateKey.ISOLATED_CLASS),
        height=VIEWER_HEIGHT_PX,
        key=f"viewer-{image.id}",
        scale_tool=allowed(Permission.PAINT, image.project_id),
    )
    if state.scale_line:
        line = state.scale_line
        use_measured_scale(image.id, line.length_px, line.typed, model.id if model else None, model is not None, ())
    if state.isolation_changed:
        st.session_state[StateKey.ISOLATED_CLASS] = state.isolated
