"""Routes for painting: a draft, its tiles, what was painted, who holds it, its submission.

What a browser posts is on disk before the answer says so, exactly once, whatever it sends again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
from anyio import CapacityLimiter, to_thread
from numpy.typing import NDArray
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from core.annotation.draft_answers import (
    Answer,
    answered,
    asked_questions,
    cut_lines,
    find_necks,
    question_states,
)
from core.annotation.draft_ids import DraftPixels
from core.annotation.draft_objects import edited_objects
from core.annotation.draft_pieces import start_ids
from core.annotation.draft_post import TileEdit, read_post
from core.annotation.draft_tiles import (
    DraftPlane,
    DraftSource,
    DraftTiles,
    Plane,
    class_counts,
    draft_source,
    pack_tile,
    unpack_ids,
    unpack_tile,
)
from core.annotation.object_edits import ObjectAction
from core.annotation.submission import submit_draft
from core.errors import AccessError, AnnotationError
from core.label_scheme import IGNORE_ID
from core.objects.questions import Questions
from core.settings import Access, Settings
from core.store.label_maps import TranslatedPyramid, in_project_classes
from core.store.people import person_key
from core.store.records import DraftRecord, DraftState, DraftTileRecord
from core.store.store import Store
from core.web.people import asker, person_of
from core.web.pyramids import OpenPyramids
from core.web.responses import (
    REVALIDATE,
    RequestRefusedError,
    answering,
    cached_bytes,
    error_response,
    ids_response,
    int_parameter,
    json_response,
)
from core.web.shares import Limits, Shares, arriving
from core.web.uploads import refuse_foreign

MOST_POSTED_BYTES: Final = 20 * 1024**2
"""Of a packed post of tiles: label maps pack well, and even noise in 32 tiles is smaller."""

MOST_JSON_BYTES: Final = 64 * 1024

POSTS: Final = Limits("saves", most=128, most_per_person=16, retry_after_s=2)
"""Posts that arrive or are worked on; more are asked to come again, which browsers do by themselves."""

THREADS: Final = 16
"""Posts that are worked on at the same time."""

_RAW: Final = "application/octet-stream"
_HOLDER_CHARS: Final = 64
_LARGEST_SEQUENCE: Final = 2**53


def draft_routes(settings: Settings, stores: Callable[[], Store], pyramids: OpenPyramids) -> list[Route]:
    """``/api/drafts/{id}`` and what lies under it."""
    drafts = _Drafts(settings, stores, pyramids)
    shares, threads = Shares(POSTS), CapacityLimiter(THREADS)
    post = partial(_posting, shares=shares, threads=threads, settings=settings)
    base = "/api/drafts/{id}"
    return [
        Route(base, answering(drafts.describe)),
        Route(base + "/tiles", post(drafts.paint, MOST_POSTED_BYTES), methods=["POST"]),
        Route(base + "/hold", post(drafts.hold, MOST_JSON_BYTES), methods=["POST"]),
        Route(base + "/whole-image", post(drafts.whole_image, MOST_JSON_BYTES), methods=["POST"]),
        Route(base + "/submit", post(drafts.submit, MOST_JSON_BYTES), methods=["POST"]),
        Route(base + "/objects", answering(drafts.objects), methods=["GET"]),
        Route(base + "/objects", post(drafts.edit_objects, MOST_JSON_BYTES), methods=["POST"]),
        Route(base + "/questions", answering(drafts.questions), methods=["GET"]),
        Route(base + "/questions", post(drafts.find_questions, MOST_JSON_BYTES), methods=["POST"]),
        Route(base + "/questions/{number}", answering(drafts.question), methods=["GET"]),
        Route(base + "/{plane}/{level}/{row}/{col}", answering(drafts.tile)),
    ]


def draft_json(store: Store, draft: DraftRecord) -> dict[str, Any]:
    """What the paint tools need to know of a draft."""
    tiles = store.drafts.tiles(draft.id)
    covered: dict[str, int] = {}
    for tile in tiles:
        for class_id, pixels in tile.covered.items():
            covered[class_id] = covered.get(class_id, 0) + pixels
    return {
        "id": draft.id,
        "image_id": draft.image_id,
        "author": draft.author,
        "state": draft.state.value,
        "version": draft.version,
        "whole_image": draft.whole_image,
        "tiles": [[tile.row, tile.column] for tile in tiles],
        "covered": covered,
        "seconds": draft.seconds,
        "strokes": draft.strokes,
    }


class _Drafts:
    """The endpoints; they run in threads."""

    def __init__(self, settings: Settings, stores: Callable[[], Store], pyramids: OpenPyramids) -> None:
        self._settings, self._stores, self._pyramids = settings, stores, pyramids
        self._tiles = DraftTiles()

    def describe(self, request: Request) -> Response:
        store = self._stores()
        return json_response(self._told(store, store.drafts.get(request.path_params["id"])))

    def tile(self, request: Request) -> Response:
        """Raw pixels of one tile of one level."""
        plane = request.path_params["plane"]
        if plane == "objects":
            return self._id_tile(request)
        if plane not in {plane.value for plane in DraftPlane}:
            raise RequestRefusedError(404, f"There is no plane {plane[:40]!r}.", "Use labels or coverage.")
        store = self._stores()
        source = self._source(store, store.drafts.get(request.path_params["id"]))
        level, row, column = (int_parameter(request, name) for name in ("level", "row", "col"))
        block = np.ascontiguousarray(self._tiles.tile(source, DraftPlane(plane), level, row, column))
        response = cached_bytes(request, block.tobytes(), _RAW, cache_control=REVALIDATE, packed=True)
        response.headers["X-Tile-Shape"] = f"{block.shape[0]},{block.shape[1]}"
        return response

    def _id_tile(self, request: Request) -> Response:
        """Object ids of one tile of one level, uint32, little-endian; no bytes where no pixel has one."""
        store = self._stores()
        source = self._source(store, store.drafts.get(request.path_params["id"]))
        level, row, column = (int_parameter(request, name) for name in ("level", "row", "col"))
        return ids_response(request, self._tiles.ids(source, level, row, column), cache_control=REVALIDATE)

    def paint(self, request: Request, body: bytes) -> Response:
        """Keep changed tiles."""
        store, draft = self._mine(request)
        holder, sequence = _holder(request.query_params.get("holder")), _sequence(request)
        sender = _holder(request.query_params.get("sent_by", holder))
        if store.drafts.has_post(draft.id, holder, sequence):
            return json_response({"version": store.drafts.get(draft.id).version})
        source = self._source(store, draft)
        post = read_post(body, source.shape_yx)
        store.require_free_space(len(body))
        known = set(store.projects.get(store.images.get(draft.image_id).project_id).scheme.ids) | {0, IGNORE_ID}
        tiles = [self._checked(source, edit, known) for edit in post.tiles]
        kept = store.drafts.write_tiles(
            draft.id, holder, sequence, tiles, seconds=post.seconds, strokes=post.strokes, sent_by=sender
        )
        return json_response({"version": kept.version, "seconds": kept.seconds, "strokes": kept.strokes})

    def objects(self, request: Request) -> Response:
        """The classes that have object ids in the draft, and the ids that are free for new objects."""
        store = self._stores()
        pixels = DraftPixels(self._source(store, store.drafts.get(request.path_params["id"])))
        return json_response({"classes": list(pixels.classes()), "next_id": pixels.free_ids(1)[0]})

    def edit_objects(self, request: Request, body: bytes) -> Response:
        """What splitting, merging or deleting objects changes. It is kept when the browser posts the tiles.

        Giving ids to pieces is kept at once: it changes what nobody sees.
        """
        store, draft = self._mine(request)
        values, source = _json(body), self._source(store, draft)
        if values.get("action") == "start":
            class_id, known = (
                values.get("class_id"),
                store.projects.get(store.images.get(draft.image_id).project_id).scheme,
            )
            if class_id not in known.ids:
                raise RequestRefusedError(400, f"There is no class {str(class_id)[:40]!r}.", "Reload the page.")
            count = start_ids(store, draft, source, class_id, _holder(values.get("holder")))
            return json_response({"count": count})
        pixels = DraftPixels(source)
        if values.get("action") == ObjectAction.ANSWER:
            question = self._asked(store, draft)[_number(values.get("question"))]
            return json_response(answered(pixels, question, _said(values.get("answer"))).to_json())
        return json_response(edited_objects(pixels, values).to_json())

    def questions(self, request: Request) -> Response:
        """The questions "one or two?" about the label map of the draft, and which are answered in it."""
        store = self._stores()
        draft = store.drafts.get(request.path_params["id"])
        return json_response(self._question_list(store, draft))

    def find_questions(self, request: Request, body: bytes) -> Response:
        """Look for necks in a label map whose separation nobody looked at."""
        store, draft = self._mine(request)
        if draft.base_revision_id is None:
            raise RequestRefusedError(400, "The draft began on an empty label map.", "Segment the image first.")
        find_necks(store, store.revisions.get(draft.base_revision_id))
        return json_response(self._question_list(store, draft))

    def question(self, request: Request) -> Response:
        """The cut that a question is about, as edges of pixels."""
        store = self._stores()
        draft = store.drafts.get(request.path_params["id"])
        question = self._asked(store, draft)[int_parameter(request, "number")]
        return json_response({"lines": cut_lines(DraftPixels(self._source(store, draft)), question)})

    def _asked(self, store: Store, draft: DraftRecord) -> Questions:
        """The questions about the label map of a draft."""
        base = draft.base_revision_id
        found = None if base is None else asked_questions(store, store.revisions.get(base))
        if found is None:
            raise RequestRefusedError(404, "There are no questions about this label map.", "Look for them first.")
        return found

    def _question_list(self, store: Store, draft: DraftRecord) -> dict[str, Any]:
        base = draft.base_revision_id
        found = None if base is None else asked_questions(store, store.revisions.get(base))
        if found is None:
            return {"looked": False, "questions": [], "left_out": 0, "guessed": True}
        states = question_states(self._source(store, draft), found, whole_image=draft.whole_image)
        return {
            "looked": True,
            "questions": [state.to_json() for state in states],
            "left_out": found.left_out,
            "guessed": found.guessed,
        }

    def hold(self, request: Request, body: bytes) -> Response:
        """Take the draft, or say that one still has it; the answer tells who had it before."""
        store, draft = self._mine(request)
        values = _json(body)
        kept, before = store.drafts.hold(
            draft.id,
            _holder(values.get("holder")),
            str(values.get("name") or "")[:200],
            take_over=values.get("take_over") is True,
            renew=values.get("renew") is True,
        )
        return json_response({**self._told(store, kept), "held_before": before})

    def whole_image(self, request: Request, body: bytes) -> Response:
        """Confirm every pixel, or take that back."""
        store, draft = self._mine(request)
        values = _json(body)
        if not isinstance(values.get("value"), bool):
            raise RequestRefusedError(400, "value is neither true nor false.", "Reload the page and try again.")
        kept = store.drafts.set_whole_image(draft.id, _holder(values.get("holder")), values["value"])
        return json_response({"version": kept.version, "whole_image": kept.whole_image})

    def submit(self, request: Request, body: bytes) -> Response:
        """Make a revision of it."""
        store, draft = self._mine(request)
        values = _json(body)
        done = submit_draft(store, draft.id, _holder(values.get("holder")), str(values.get("note") or ""))
        return json_response({"revision_id": done.revision.id, "changes": done.changes})

    def _told(self, store: Store, draft: DraftRecord) -> dict[str, Any]:
        """What the paint tools need to know of a draft, its objects included."""
        classes = DraftPixels(self._source(store, draft)).classes() if draft.state is DraftState.OPEN else ()
        return {**draft_json(store, draft), "object_classes": list(classes)}

    def _mine(self, request: Request) -> tuple[Store, DraftRecord]:
        """The draft, if whoever sends this may change it. Without sign-in nobody can prove who they are."""
        store = self._stores()
        draft = store.drafts.get(request.path_params["id"])
        person = person_of(request, self._settings)
        if self._settings.access is Access.ROLES and person_key(person) != person_key(draft.author):
            raise AccessError(
                f"This draft belongs to {draft.author or 'another person'}.", "Start your own draft of the image."
            )
        return store, draft

    def _source(self, store: Store, draft: DraftRecord) -> DraftSource:
        image = self._pyramids.get(store.images.pyramid_path(draft.image_id))
        revision = None if draft.base_revision_id is None else store.revisions.get(draft.base_revision_id)
        base = None
        if revision is not None:
            pyramid = self._pyramids.get(store.revisions.pyramid_path(revision.id))
            base = in_project_classes(store, revision, pyramid)
        return draft_source(store, draft, image.shape_yx, base, image.levels)

    def _checked(self, source: DraftSource, edit: TileEdit, known: set[int]) -> tuple[DraftTileRecord, bytes]:
        """A tile for the store. A class that is not in the scheme may stay where it was, but not be painted anew."""
        place = (edit.row, edit.column)
        before = source.base_tile(0, *place)
        unknown = set(np.unique(edit.labels_yx).tolist()) - known
        if unknown and isinstance(source.base, TranslatedPyramid):
            edit = _read_anew(edit, source.base, before, unknown)
            unknown = set(np.unique(edit.labels_yx).tolist()) - known
        if unknown:
            unknown -= set(np.unique(before).tolist())
            if unknown and place in source.changed:
                now_there = unpack_tile(source.read([place])[place], edit.labels_yx.shape)[0]
                unknown -= set(np.unique(now_there).tolist())
        if unknown:
            raise AnnotationError(
                f"Class {min(unknown)} is not in the project's label scheme.",
                "It may have been removed. Reload the page and paint with another class.",
            )
        record = DraftTileRecord(
            *place,
            0,
            class_counts(edit.labels_yx),
            class_counts(edit.labels_yx, edit.coverage_yx),
            class_counts(before),
        )
        return record, pack_tile(edit.labels_yx, edit.coverage_yx, _object_ids(source, edit))


def _number(value: Any) -> int:
    """Number of a question."""
    if type(value) is not int:
        raise RequestRefusedError(400, "A question has a whole number.", "Reload the page and try again.")
    return value


def _said(value: Any) -> Answer:
    """An answer out of JSON."""
    if value not in tuple(Answer):
        raise RequestRefusedError(400, f"{str(value)[:20]!r} is no answer.", "Answer one or two.")
    return Answer(value)


def _object_ids(source: DraftSource, edit: TileEdit) -> NDArray[np.uint32] | None:
    """The ids of a tile for the store; background has none.

    A browser that does not send any has not changed objects: those that the draft has there stay where the class does.
    """
    ids = edit.ids_yx
    place = (edit.row, edit.column)
    if ids is None and place in source.changed:
        data = source.read([place])[place]
        ids = unpack_ids(data, edit.labels_yx.shape)
        if ids is not None:
            ids = np.where(unpack_tile(data, edit.labels_yx.shape)[0] == edit.labels_yx, ids, np.uint32(0))
    if ids is None:
        return None
    return np.where((edit.labels_yx == 0) | (edit.labels_yx == IGNORE_ID), np.uint32(0), ids)


def _read_anew(edit: TileEdit, base: TranslatedPyramid, before: Plane, unknown: set[int]) -> TileEdit:
    """A tile of a page that was opened before a class was removed: what it shows of that class is as it is read now."""
    then = base.untranslated.tile(0, edit.row, edit.column)
    stale = np.isin(edit.labels_yx, sorted(unknown)) & (edit.labels_yx == then)
    return replace(edit, labels_yx=np.where(stale, before, edit.labels_yx).astype(np.uint8))


def _posting(
    work: Callable[[Request, bytes], Response],
    most_bytes: int,
    *,
    shares: Shares,
    threads: CapacityLimiter,
    settings: Settings,
) -> Callable[..., Any]:
    """An endpoint that reads a bounded body and works on it in a thread.

    Bodies that arrive slowly hold no thread, and posts have threads of their own: a locked database, for which they
    wait, must not keep tiles waiting.
    """

    async def endpoint(request: Request) -> Response:
        try:
            refuse_foreign(request)
            with shares.place(asker(request, settings)):
                body = await _body(request, most_bytes)
                return await to_thread.run_sync(partial(work, request, body), limiter=threads)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception as error:
            return error_response(error)

    return endpoint


async def _body(request: Request, most_bytes: int) -> bytes:
    """The body, refused as soon as it is too large."""
    parts, size = [], 0
    async for part in arriving(request):
        size += len(part)
        if size > most_bytes:
            raise RequestRefusedError(
                413, f"More than {most_bytes:,} bytes were sent at once.", ("Reload the page; saved changes are kept.")
            )
        parts.append(part)
    return b"".join(parts)


def _json(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise RequestRefusedError(400, "The request is not a JSON object.", "Reload the page and try again.")
    return values


def _holder(value: Any) -> str:
    """The name of a browser tab."""
    if not isinstance(value, str) or not 1 <= len(value) <= _HOLDER_CHARS or not value.isprintable():
        raise RequestRefusedError(400, "The browser tab has no name.", "Reload the page.")
    return value


def _sequence(request: Request) -> int:
    text = request.query_params.get("sequence", "")
    if not text.isascii() or not text.isdigit() or len(text) > 16 or int(text) > _LARGEST_SEQUENCE:
        raise RequestRefusedError(400, f"sequence is {text[:40]!r}.", "Use an integer.")
    return int(text)
