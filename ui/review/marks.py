"""Marks of a reviewer: numbered boxes with words, drawn on a part of the image."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from core.cache import MB, remembered
from core.imaging.display import to_display
from core.imaging.overlay import OverlayStyle, render_overlay
from core.imaging.pyramid import open_pyramid
from core.label_scheme import LabelScheme
from core.review.discussion import add_mark, earlier_marks, marks, remove_mark, resolve_mark
from core.review.records import Box, Mark, Review
from core.store.label_maps import open_label_map
from core.store.records import ImageRecord, ProjectRecord
from core.wording import counted
from ui import context
from ui.errors import explained, explaining, plain
from ui.parts.options import choice
from ui.state import StateKey
from ui.viewer.place import Place

CANVAS_PX: Final = 760
"""Longest edge of the picture that is drawn on."""

_MARGIN: Final = 0.25
"""Of a changed region, around it."""

_LEAST_PX: Final = 160
"""Smaller regions are shown with more of their surroundings."""


def marks_panel(review: Review, person: str) -> Place | None:
    """The list, that of earlier submissions below it; the mark that was clicked last, unless a region was since."""
    found = marks(context.store(), review.revision_id)
    earlier = earlier_marks(context.store(), review.revision_id)
    for mark in found:
        _mark_line(mark, person)
    if not found:
        st.caption("No marks yet. Draw boxes below the images to show the author what to fix.")
    if earlier:
        still = sum(mark.resolved_at is None for mark in earlier)
        text = f"{still} unresolved" if still else "all resolved"
        st.caption(f"On earlier submissions: {counted(len(earlier), 'mark')}, {text}")
        for mark in earlier:
            _mark_line(mark, person)
    wanted = st.session_state.get(StateKey.REVIEW_MARK)
    return next((_place(mark) for mark in (*found, *earlier) if _token(mark) == wanted), None)


def forget_mark() -> None:
    """Something else is looked at now."""
    st.session_state[StateKey.REVIEW_MARK] = None


def _mark_line(mark: Mark, person: str) -> None:
    """One mark: its words fly there, behind them what can be done with it."""
    store, done = context.store(), mark.resolved_at is not None
    name = f"{mark.revision_id}-{mark.number}"
    with st.container(horizontal=True, vertical_alignment="center"):
        resolved = f"resolved by {mark.resolved_by}" if done else ""
        words = plain(" · ".join(part for part in (mark.label, mark.note, resolved) if part))
        st.button(
            f":gray[**{mark.number}** {words}]" if done else f"**{mark.number}** {words}",
            key=f"mark-go-{name}", type="tertiary", on_click=_look_at, args=(mark,),
        )  # fmt: skip
        if st.button(
            "", icon=":material/undo:" if done else ":material/check:", key=f"mark-done-{name}",
            help="Reopen" if done else "Resolved", type="tertiary",
        ):  # fmt: skip
            _changed(lambda: resolve_mark(store, mark.revision_id, mark.number, person, resolved=not done))
        if st.button("", icon=":material/delete:", key=f"mark-remove-{name}", help="Remove", type="tertiary"):
            _changed(lambda: remove_mark(store, mark.revision_id, mark.number, person))


def _look_at(mark: Mark) -> None:
    """Fly to a mark; what was chosen among the changed regions is chosen no more."""
    st.session_state[StateKey.REVIEW_MARK] = _token(mark)
    st.session_state[StateKey.REVIEW_TURN] = st.session_state.get(StateKey.REVIEW_TURN, 0) + 1


@st.fragment
@explaining
def draw_panel(project: ProjectRecord, image: ImageRecord, review: Review, person: str, regions: Sequence[Box]) -> None:
    """Draw labelled boxes on a part of the image; each becomes a mark in the image's own pixels.

    The canvas sends its empty drawing as soon as the browser shows it. Within the page this ran the whole page once
    more, and a press of Approve that was being handled at that moment was lost. A fragment interrupts nothing.
    """
    from streamlit_drawable_canvas import st_canvas

    whole = Box(0, 0, *image.shape_yx)
    areas = [around(box, image.shape_yx) for box in regions[:20]] + [whole]
    names = [f"change {number}" for number in range(1, len(areas))] + ["whole image"]
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    with left:
        chosen = choice("Draw on", dict(enumerate(names)), key="review-draw-area")
    with right:
        note = st.text_input(
            "What to fix", key="review-draw-note", placeholder="for example: two mitochondria, not one"
        )
    area = areas[chosen]
    picture, scale = picture_of(image, review.revision_id, project.scheme, area)
    drawn = st_canvas(
        background_image=picture, drawing_mode="labeled_rect", label=note.strip()[:60],
        fill_color="rgba(255,255,255,0)", stroke_color="#ffb000",
        stroke_width=3, width=round(area.width * scale), height=round(area.height * scale),
        key=f"review-canvas-{review.revision_id}-{chosen}-{st.session_state.get('review-drawn', 0)}",
    )  # fmt: skip
    boxes = boxes_of(drawn.boxes, area, scale)
    if st.button(
        f"Add {len(boxes)} mark{'s' if len(boxes) != 1 else ''}", icon=":material/flag:", key="review-add-marks",
        disabled=not boxes or not note.strip(), help="Draw a box and describe what to fix",
    ):  # fmt: skip
        _changed(
            lambda: [
                add_mark(context.store(), review.revision_id, person, box, label or note[:60]) for box, label in boxes
            ]
        )


def around(box: Box, shape_yx: tuple[int, int]) -> Box:
    """A region with its surroundings, inside the image."""
    height = max(round(box.height * (1 + 2 * _MARGIN)), _LEAST_PX)
    width = max(round(box.width * (1 + 2 * _MARGIN)), _LEAST_PX)
    height, width = min(height, shape_yx[0]), min(width, shape_yx[1])
    row = min(max(box.row + box.height // 2 - height // 2, 0), shape_yx[0] - height)
    column = min(max(box.column + box.width // 2 - width // 2, 0), shape_yx[1] - width)
    return Box(row, column, height, width)


def boxes_of(boxes: Sequence[dict[str, Any]], area: Box, scale: float) -> list[tuple[Box, str]]:
    """Labelled boxes of the canvas in pixels of the image.

    Parameters
    ----------
    boxes
        What the canvas gives: label, left, top, width, height in its pixels.
    area
        The part of the image that it shows.
    scale
        Canvas pixels per image pixel.
    """
    return [
        (
            Box(
                area.row + round(item["top"] / scale),
                area.column + round(item["left"] / scale),
                max(round(item["height"] / scale), 1),
                max(round(item["width"] / scale), 1),
            ),
            str(item["label"]),
        )
        for item in boxes
    ]


@remembered("pictures of marks", "parts of images with masks, to draw on", limit_bytes=32 * MB)
def picture_of(image: ImageRecord, revision_id: str, scheme: LabelScheme, area: Box) -> tuple[bytes, float]:
    """A part of the image with the corrected masks as JPEG, and its pixels per image pixel; kept: drawing is quick."""
    store = context.store()
    pyramid = open_pyramid(store.images.pyramid_path(image.id))
    level = next(
        (i for i in range(pyramid.levels) if max(area.height, area.width) / 2**i <= 2 * CANVAS_PX), pyramid.levels - 1
    )
    step = 2**level
    rows, columns = (
        slice(area.row // step, -(-(area.row + area.height) // step)),
        slice(area.column // step, -(-(area.column + area.width) // step)),
    )
    grey = to_display(pyramid.read(level, rows, columns), *image.window)
    labels = open_label_map(store, revision_id).read(level, rows, columns)
    size_nm = image.pixel_size.nm * step if image.pixel_size.nm else None
    figure = render_overlay(grey, labels, scheme, size_nm, OverlayStyle(legend=False))
    scale = CANVAS_PX / max(area.height, area.width)
    figure = figure.resize((round(area.width * scale), round(area.height * scale)))
    content = io.BytesIO()
    figure.convert("RGB").save(content, "JPEG", quality=88)
    return content.getvalue(), scale


def _place(mark: Mark) -> Place:
    box = mark.box
    return Place(box.row, box.column, box.height, box.width, token=_token(mark))


def _token(mark: Mark) -> str:
    return f"mark-{mark.revision_id}-{mark.number}"


def _changed(action: Any) -> None:
    """Do it, then draw the page anew; a refusal is shown."""
    done = False
    with explained():
        action()
        done = True
    if done:
        st.session_state["review-drawn"] = st.session_state.get("review-drawn", 0) + 1
        st.rerun()
