"""What is said of dropped files whose images were here before."""

from __future__ import annotations

import streamlit as st

from core.errors import NotFoundError
from core.jobs.kinds import IngestResult
from core.jobs.rows import job
from core.store.records import ImageRecord, JobRecord
from core.wording import significant
from ui import context
from ui.errors import plain
from ui.state import StateKey


def arrival_notes() -> None:
    """What is to be said of files that were here before, until it is closed."""
    sentences: list[str] = st.session_state.get(StateKey.ARRIVALS, [])
    for job_id in list(sentences):
        try:
            text = arrival_text(job(job_id))
        except NotFoundError:  # the images have been deleted for good meanwhile
            sentences.remove(job_id)
            continue
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.markdown(f":material/content_copy: {text}")
            if st.button("Close", type="tertiary", icon=":material/close:", key=f"arrival-close-{job_id}"):
                sentences.remove(job_id)
                st.rerun()


def known_before(row: JobRecord) -> list[ImageRecord]:
    """The images of an upload that were there before it; not those of an attempt that was interrupted."""
    images = [context.store().images.get(image_id) for image_id in IngestResult.of(row).duplicates]
    return [image for image in images if image.created_at < row.created_at]


def arrival_text(row: JobRecord) -> str:
    """What became of a file whose pixels were here before.

    Raises
    ------
    NotFoundError
        An image of it is gone for good.
    """
    images, pages = known_before(row), len(IngestResult.of(row).image_ids)
    restored, sized = IngestResult.of(row).restored, IngestResult.of(row).sized
    sizes_nm = IngestResult.of(row).sizes_nm
    name = plain(row.title or "The file")
    if pages == 1 and images:
        how = "restored from the trash" if restored else "opened"
        sentences = [f"**{name}** has the same pixels as **{plain(images[0].name)}**, which was {how}."]
    else:
        sentences = [f"{len(images)} of the {pages} pages of **{name}** already exist."]
        if restored:
            sentences.append(f"{len(restored)} of them were restored from the trash.")
    if sized:
        size = context.store().images.get(sized[0]).pixel_size.nm
        if size is not None:
            sentences.append(f"The pixel size was unknown; it was set to {significant(size, 4)} nm, from this file.")
        sentences += dict.fromkeys(IngestResult.of(row).outdated.values())
    for image in images:
        if image.id in sizes_nm and image.pixel_size.nm is not None:
            sentences.append(
                f"This file contains {significant(sizes_nm[image.id], 4)} nm per pixel; the "
                f"{significant(image.pixel_size.nm, 4)} nm already "
                "recorded were kept."
            )
            break  # planes of a stack share one
    known = {text for image in images for text in image.notices}
    sentences += [plain(text) for text in IngestResult.of(row).notices if text not in known]
    return " ".join(sentences)
