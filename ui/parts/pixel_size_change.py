"""Giving images another pixel size: at once where that costs nothing, else after saying what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Final

import streamlit as st

from core.access.roles import Permission
from core.curation.images import change_pixel_sizes, images_with_planes
from core.curation.pixel_size_change import (
    ASK_FROM_S,
    NO_CHANGE,
    PixelSizeChange,
    change_of_pixel_size,
    seconds_to_segment,
)
from core.errors import CristaeError
from core.imaging.image import ENTERED
from core.imaging.lengths import ScaleMeasurement, length_text, parse_length_nm
from core.models.store import StoredModel
from core.segmentation.scale_note import scale_note
from core.store.records import ImageRecord
from core.wording import counted, significant
from ui import context
from ui.errors import plain, show_error
from ui.parts.dialog_rights import asks, of_images
from ui.parts.kept_dialog import close_dialog, forget_dialog, kept_dialog, opening
from ui.parts.names import image_details
from ui.parts.options import choices, titled
from ui.parts.units import duration_text
from ui.person import person
from ui.state import StateKey

_LISTED: Final = 2000
"""Images offered to choose from."""


class Scope(StrEnum):
    """Which images get a measured size."""

    IMAGE = "This image"
    STACK = "All planes of the stack"
    UNKNOWN = "All images without a pixel size"
    CHOSEN = "Images that I choose"


def use_pixel_size(
    image_ids: Sequence[str], nm: float, *, model_id: str | None, detail: str = ENTERED, segment: str | None = None
) -> None:
    """As `use_pixel_sizes`, one size for all."""
    use_pixel_sizes({nm: tuple(image_ids)}, model_id=model_id, detail=detail, segment=segment)


def use_pixel_sizes(
    ids_by_nm: Mapping[float, Sequence[str]], *, model_id: str | None, detail: str = ENTERED, segment: str | None = None
) -> None:
    """Give images pixel sizes; ask first where that makes something outdated or takes a minute.

    Parameters
    ----------
    ids_by_nm
        Images by their new pixel size in nm. The planes of their stacks get it too.
    model_id
        Whose scale it is compared with; None for the project's model.
    detail
        How the person knows it.
    segment
        The image that is segmented with the new size at once.
    """
    sizes = {nm: tuple(ids) for nm, ids in ids_by_nm.items() if ids}
    plan = plan_sizes(sizes, model_id, segment)
    if plan.change.outdates or plan.notes or (plan.seconds_now or 0) >= ASK_FROM_S:
        _confirm(sizes, model_id, detail, segment)
    _apply(sizes, detail, segment)


@dataclass(frozen=True, slots=True)
class SizesPlan:
    """What follows from new pixel sizes.

    Parameters
    ----------
    titles
        For each size, which images get it instead of what.
    notes
        Warnings about sizes that the model cannot do with.
    change
        What becomes outdated, and how long that takes.
    seconds_now
        How long the image that is segmented at once takes; None where none is, or nobody knows.
    """

    titles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    change: PixelSizeChange = NO_CHANGE
    seconds_now: float | None = None


def plan_sizes(
    ids_by_nm: Mapping[float, Sequence[str]], model_id: str | None = None, segment: str | None = None
) -> SizesPlan:
    """Look ahead, as `use_pixel_sizes` takes them; nothing is changed."""
    store = context.store()
    titles, notes, seconds_now = [], [], None
    change = NO_CHANGE
    for nm, ids in ids_by_nm.items():
        images = images_with_planes(store, ids)
        model = _model(images, model_id)
        part = change_of_pixel_size(store, images, nm)
        change += part
        titles.append(_title(images, part, nm))
        notes.append(scale_note(nm, model.pixel_size_nm) if model else None)
        image = next((image for image in images if image.id == segment), None)
        if image and model:
            seconds_now = seconds_to_segment(store, image, nm, model.id, model.pixel_size_nm)
    return SizesPlan(tuple(titles), tuple(dict.fromkeys(note for note in notes if note)), change, seconds_now)


@kept_dialog("measured scale")
@st.dialog("Set the scale", width="large", on_dismiss=forget_dialog)
@asks(Permission.PAINT, lambda image_id, length_px, typed, model_id, segment, selected: of_images([image_id]))
def use_measured_scale(
    image_id: str, length_px: float, typed: str, model_id: str | None, segment: bool, selected: tuple[str, ...]
) -> None:
    """Take the scale that a line over a scale bar tells; say for which images, and what it costs.

    Parameters
    ----------
    image_id
        The image that the line was drawn on.
    length_px, typed
        How long the line is, in pixels of the image, and what was typed for it.
    model_id
        As in `use_pixel_size`.
    segment
        Segment this image with the new size at once.
    selected
        Images that are proposed as the ones to choose.
    """
    try:
        measured = ScaleMeasurement(parse_length_nm(typed), length_px)
    except CristaeError as error:
        show_error(error.cause, error.remedy)
        if st.button("Close"):
            close_dialog()
        return
    nm = measured.pixel_size_nm
    st.markdown(
        f"**{significant(nm, 5)} nm per pixel** ± {significant(measured.uncertainty_nm, 2)} nm "
        "(one pixel off at each end of the line).  \n"
        f"{length_text(measured.length_nm)} over {length_px:,.1f} px."
    )
    ids = _scope(context.store().images.get(image_id), selected)
    who = f" by {person()}" if person() else ""
    detail = f"measured on the image{who}: {length_text(measured.length_nm)} over {length_px:.1f} px"
    _decide({nm: ids} if ids else {}, model_id, detail, image_id if segment else None, "Use scale")


@kept_dialog("pixel size change")
@st.dialog("Change the pixel size?", on_dismiss=forget_dialog)
@asks(Permission.PAINT, lambda ids_by_nm, model_id, detail, segment: of_images(chain(*ids_by_nm.values())))
def _confirm(ids_by_nm: Mapping[float, Sequence[str]], model_id: str | None, detail: str, segment: str | None) -> None:
    """Say what it costs, and wait for a yes."""
    _decide(ids_by_nm, model_id, detail, segment, "Change the pixel size")


def _decide(
    ids_by_nm: Mapping[float, Sequence[str]], model_id: str | None, detail: str, segment: str | None, label: str
) -> None:
    """What follows, and the two buttons."""
    plan = plan_sizes(ids_by_nm, model_id, segment)
    if not plan.titles:
        st.markdown("No images selected.")
    show_consequences(plan)
    with st.container(horizontal=True):
        if st.button(label, type="primary", icon=":material/straighten:", disabled=not ids_by_nm):
            _apply(ids_by_nm, detail, segment)
        if st.button("Cancel"):
            close_dialog()


def show_consequences(plan: SizesPlan) -> None:
    """Which images get which size, what speaks against it, and what becomes outdated."""
    if plan.titles:
        st.markdown("  \n".join(plan.titles))
    for note in plan.notes:
        st.warning(plain(note), icon=":material/zoom_in_map:")
    follows = consequences(plan.change, plan.seconds_now)
    if follows:
        st.markdown("\n".join(f"- {sentence}" for sentence in follows))


def consequences(change: PixelSizeChange, seconds_now: float | None) -> list[str]:
    """A sentence for each thing that a change costs.

    Parameters
    ----------
    seconds_now
        How long the image that is segmented at once takes; None where none is, or nobody knows.
    """
    found = []
    if change.predictions:
        time = f"Segmenting again takes about {duration_text(change.seconds)}." if change.seconds else ""
        became = "becomes" if change.predictions == 1 else "become"
        found.append(f"{counted(change.predictions, 'label map')} by models {became} outdated. {time}".strip())
    elif seconds_now is not None and seconds_now >= 5:
        found.append(f"Segmenting the image takes about {duration_text(seconds_now)}.")
    if change.measured:
        maps = counted(change.measured, "label map")
        found.append(f"Object measurements of {maps} are updated: sizes are converted, contacts are measured again.")
    if change.evaluations:
        were = "was" if change.evaluations == 1 else "were"
        found.append(
            f"{counted(change.evaluations, 'evaluation')} {were} made with another pixel size. Distances in nm "
            "stay unchanged there; evaluate again to update them."
        )
    return found


def _title(images: Sequence[ImageRecord], change: PixelSizeChange, nm: float) -> str:
    """Which images, from what to what."""
    before = sorted({image.pixel_size.nm for image in images if image.pixel_size.nm is not None})
    old = (
        f"{significant(before[0], 5)} nm"
        if len(before) == 1
        else f"{significant(before[0], 5)} to {significant(before[-1], 5)} nm"
        if before
        else "unknown"
    )
    what = f"**{plain(images[0].name)}**" if len(images) == 1 else f"**{counted(len(images), 'image')}**"
    if not change.images:
        return f"{what}: {significant(nm, 5)} nm per pixel (unchanged)."
    return f"{what}: {old} → **{significant(nm, 5)} nm** per pixel."


def _scope(image: ImageRecord, selected: Sequence[str]) -> list[str]:
    """The images that get a measured size, as chosen."""
    images = {other.id: other for other in context.store().images.all(image.project_id)}
    unknown = [other.id for other in images.values() if other.pixel_size.nm is None and other.id != image.id]
    own = Scope.STACK if image.stack else Scope.IMAGE
    offered = [own, *([Scope.UNKNOWN] if unknown else []), *([Scope.CHOSEN] if len(images) > 1 else [])]
    if len(offered) == 1:
        return [image.id]
    key = f"scale-scope-{opening()}"
    words = {Scope.UNKNOWN: f"This and {counted(len(unknown), 'other image')} without a pixel size"}
    scope = st.radio(
        "Apply to",
        offered,
        index=offered.index(Scope.CHOSEN) if len(selected) > 1 and Scope.CHOSEN in offered else 0,
        format_func=titled({item: words.get(item, str(item)) for item in offered}),
        key=key,
    )
    if scope is Scope.UNKNOWN:
        return [image.id, *unknown]
    if scope is Scope.CHOSEN:
        listed = dict(list(images.items())[:_LISTED])
        return choices(
            "Images",
            {image_id: each.name for image_id, each in listed.items()},
            first=[other for other in selected if other in images] or [image.id],
            details=image_details(listed),
            key=f"{key}-images",
        )
    return [image.id]


def _apply(ids_by_nm: Mapping[float, Sequence[str]], detail: str, segment: str | None) -> None:
    """Store it, and segment with it at once where that is wanted."""
    for nm, ids in ids_by_nm.items():
        changed = change_pixel_sizes(context.store(), ids, nm, by=person(), detail=detail)
        st.toast(f"{counted(len(changed), 'image')}: {significant(nm, 5)} nm per pixel", icon=":material/straighten:")
    st.session_state.pop(StateKey.TRIALS, None)
    st.session_state[StateKey.TABLE_VERSION] = st.session_state.get(StateKey.TABLE_VERSION, 0) + 1
    if segment:
        st.session_state[StateKey.PREDICT_NEXT] = segment
    close_dialog()


def _model(images: Sequence[ImageRecord], model_id: str | None) -> StoredModel | None:
    """The model whose scale counts."""
    if model_id is not None:
        return next((model for model in context.models().list() if model.id == model_id), None)
    return context.current_model(images[0].project_id) if images else None
