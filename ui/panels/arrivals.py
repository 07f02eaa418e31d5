"""Uploads that have become images: opened and segmented, and what is said of those that were here before."""

from __future__ import annotations

import streamlit as st

from core.curation import cancel_predictions
from core.errors import NotFoundError
from core.jobs.rows import Priority, active_jobs, job
from core.segmentation.model_store import StoredModel
from core.store.records import ImageRecord, JobRecord
from ui import context
from ui.errors import plain
from ui.panels.predict import begin_prediction
from ui.state import Query, StateKey, query


def arrived(row: JobRecord) -> None:
    """Open the image and have it segmented; of several files, segment each and stay with the gallery."""
    image_ids: list[str] = row.result.get("image_ids", [])
    if not image_ids:
        return
    if known_before(row):
        st.session_state.setdefault(StateKey.ARRIVALS, []).append(row.id)
    cancel_predictions(context.store(), row.result.get("sized", []))
    project_id = context.store().image(image_ids[0]).project_id
    model = context.offered_models().get(query(Query.MODEL) or "") or context.current_model(project_id)
    if st.session_state.get(StateKey.SEVERAL_FILES):
        for number, image_id in enumerate(image_ids):
            if model and _unsegmented(image_id, model):
                begin_prediction(image_id, model.id, priority=Priority.BATCH if number else Priority.NORMAL)
    else:
        if model is None or _unsegmented(image_ids[0], model):
            st.session_state[StateKey.PREDICT_NEXT] = image_ids[0]
        st.query_params[Query.IMAGE.value] = image_ids[0]
    st.rerun()


def arrival_notes() -> None:
    """What is to be said of files that were here before, until it is closed."""
    told: list[str] = st.session_state.get(StateKey.ARRIVALS, [])
    for job_id in list(told):
        try:
            text = arrival_text(job(job_id))
        except NotFoundError:  # the images have been deleted for good meanwhile
            told.remove(job_id)
            continue
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.markdown(f":material/content_copy: {text}")
            if st.button("Close", type="tertiary", icon=":material/close:", key=f"arrival-close-{job_id}"):
                told.remove(job_id)
                st.rerun()


def known_before(row: JobRecord) -> list[ImageRecord]:
    """The images of an upload that were there before it; not those of an attempt that was interrupted."""
    images = [context.store().image(image_id) for image_id in row.result.get("duplicates", [])]
    return [image for image in images if image.created_at < row.created_at]


def arrival_text(row: JobRecord) -> str:
    """What became of a file whose pixels were here before.

    Raises
    ------
    NotFoundError
        An image of it is gone for good.
    """
    images, pages = known_before(row), len(row.result.get("image_ids", []))
    restored, sized = row.result.get("restored", []), row.result.get("sized", [])
    sizes_nm: dict[str, float] = row.result.get("sizes_nm", {})
    name = plain(str(row.params.get("name") or "The file"))
    if pages == 1 and images:
        how = "taken out of the trash" if restored else "opened"
        sentences = [f"**{name}** has the same pixels as **{plain(images[0].name)}**, which was {how}."]
    else:
        sentences = [f"{len(images)} of the {pages} pages of **{name}** were here before."]
        if restored:
            sentences.append(f"{len(restored)} of them were taken out of the trash.")
    if sized:
        size = context.store().image(sized[0]).pixel_size.nm
        sentences.append(f"The pixel size was not known; now it is {size:.4g} nm, from this file.")
    for image in images:
        if image.id in sizes_nm and image.pixel_size.nm is not None:
            sentences.append(
                f"This file says {sizes_nm[image.id]:.4g} nm per pixel; "
                f"the {image.pixel_size.nm:.4g} nm known before were kept."
            )
            break  # planes of a stack share one
    known = {text for image in images for text in image.notices}
    sentences += [plain(text) for text in row.result.get("notices", []) if text not in known]
    return " ".join(sentences)


def _unsegmented(image_id: str, model: StoredModel) -> bool:
    """Whether the model has neither segmented the image as it is now nor is about to."""
    image = context.store().image(image_id)
    wanted = {"image_id": image_id, "model_id": model.id}
    active = (row for row in active_jobs() if row.kind == "predict" and not row.cancel_requested)
    if any(wanted.items() <= row.params.items() for row in active):
        return False
    made = context.prediction(image_id, model.id)
    return made is None or context.outdated(image, made)
