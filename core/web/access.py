"""Roles on HTTP: every route of ours asks, before it answers, whether this person may."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from types import MappingProxyType
from typing import Final

from anyio import to_thread
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from core.access.models import require_taking
from core.access.refusals import note_refusal
from core.access.roles import Permission, require, require_anywhere
from core.errors import AccessError, NotFoundError, RoleError, StoreBusyError
from core.review.double_annotation import hidden_authors, require_visible
from core.settings import Access, Settings
from core.store.owners import Owners
from core.store.people import person_key
from core.store.store import Store
from core.web.people import person_of
from core.web.responses import error_response

_FRESH_S: Final = 2.0
"""How long an answer "may" counts for the next tiles of the same thing: so late does a role that is taken away bite."""

_LATE_S: Final = 30.0
"""For so long more it counts while the database is locked and cannot be asked."""

_KEPT: Final = 4096

_MAY_BE_BLIND: Final = frozenset({"revisions", "drafts"})
"""Kinds that a blind assignment may hide, also where everybody may do everything."""

_READING: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Rule:
    """What a kind of address asks for.

    Parameters
    ----------
    project_of
        The project of a thing, "" for an unknown id; None: it belongs to none, any project's role will do.
    writing
        What is needed for anything but reading.
    """

    project_of: Callable[[Owners, str], str] | None
    writing: Permission
    reading: Permission = Permission.VIEW


RULES: Final = MappingProxyType(
    {
        "uploads": Rule(None, Permission.ADD_IMAGES, Permission.ADD_IMAGES),
        "projects": Rule(Owners.of_project, Permission.MANAGE),
        "images": Rule(Owners.of_image, Permission.PAINT),
        "revisions": Rule(Owners.of_revision, Permission.PAINT),
        "drafts": Rule(Owners.of_draft, Permission.PAINT),
        "models": Rule(None, Permission.TRAIN),
        "evaluations": Rule(Owners.of_evaluation, Permission.TRAIN),
        "trainings": Rule(Owners.of_job, Permission.TRAIN),
        "exports": Rule(Owners.of_job, Permission.MANAGE),
    }
)
"""By the first word after ``/api/``; the thing is what ``{id}`` names. A route of another kind needs a row here."""


def guarded(routes: Sequence[BaseRoute], settings: Settings, stores: Callable[[], Store]) -> list[BaseRoute]:
    """The same routes, each behind the question whether this person may.

    Raises
    ------
    KeyError
        A route has no rule: nobody thought of who may use it.
    """
    allowed = _Allowed()
    for route in routes:
        if isinstance(route, Route):
            rule = RULES[kind_of(route.path)]
            route.app = _Guard(route.app, kind_of(route.path), rule, settings, stores, allowed)
    return list(routes)


def kind_of(path: str) -> str:
    """The first word after ``/api/``.

    >>> kind_of("/api/images/{id}/pixel")
    'images'
    """
    return path.split("/")[2]


class _Allowed:
    """Answers "may" of the last moments, so that tiles do not ask the database one by one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._until: OrderedDict[tuple[str, ...], float] = OrderedDict()

    def has(self, key: tuple[str, ...], *, late_s: float = 0.0) -> bool:
        with self._lock:
            return self._until.get(key, float("-inf")) > time.monotonic() - late_s

    def add(self, key: tuple[str, ...]) -> None:
        with self._lock:
            self._until[key] = time.monotonic() + _FRESH_S
            self._until.move_to_end(key)
            while len(self._until) > _KEPT:
                self._until.popitem(last=False)


class _Guard:
    """ASGI: asks, then passes the request on to the route."""

    def __init__(
        self,
        app: ASGIApp,
        kind: str,
        rule: Rule,
        settings: Settings,
        stores: Callable[[], Store],
        allowed: _Allowed,
    ) -> None:
        self._app, self._kind, self._rule = app, kind, rule
        self._settings, self._stores, self._allowed = settings, stores, allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HTTPConnection(scope)
        person, reads = person_of(request, self._settings), scope["method"] in _READING
        subject, revision = str(request.path_params.get("id", "")), request.query_params.get("revision", "")
        other = request.query_params.get("compare", "")
        key = (self._kind, subject, revision, other, person_key(person))
        if self._settings.access is Access.OPEN and not revision and self._kind not in _MAY_BE_BLIND:
            await self._app(scope, receive, send)
            return
        # Only reading is remembered: whoever writes is asked each time.
        if not reads or not self._allowed.has(key):
            try:
                await to_thread.run_sync(partial(self._ask, person, subject, (revision, other), reads))
                if reads:
                    self._allowed.add(key)
            except Exception as error:
                # A database that another program keeps locked cannot be asked: what was right a moment ago counts.
                locked = isinstance(error, StoreBusyError) and reads and self._allowed.has(key, late_s=_LATE_S)
                if isinstance(error, RoleError):
                    await to_thread.run_sync(note_refusal, self._stores(), error)
                if not locked:
                    await error_response(error)(scope, receive, send)
                    return
        await self._app(scope, receive, send)

    def _ask(self, person: str, subject: str, more: tuple[str, str], reads: bool) -> None:
        revision, other = more
        permission = self._rule.reading if reads else self._rule.writing
        store = self._stores()
        if self._rule.project_of is None:
            require_anywhere(store, person, permission)
            if self._kind == "models" and subject:
                require_taking(store, subject, person)
            return
        project_id = self._rule.project_of(store.owners, subject)
        compared = self._rule.project_of(store.owners, other) if other else ""
        if compared:
            require(store, compared, person, permission)
        if not project_id:
            require_anywhere(store, person, permission)  # the route says that there is no such thing, to those inside
            return
        require(store, project_id, person, permission)
        self._ask_if_blind(store, person, subject, revision)

    def _ask_if_blind(self, store: Store, person: str, subject: str, revision: str) -> None:
        """What a blind assignment hides is hidden on HTTP too."""
        for revision_id in {subject if self._kind == "revisions" else "", revision} - {""}:
            try:
                project_id = store.images.get(store.revisions.get(revision_id).image_id).project_id
            except NotFoundError:
                continue  # the route says so
            require(store, project_id, person, Permission.VIEW)
            require_visible(store, revision_id, person)
        if self._kind == "drafts":
            draft = store.drafts.get(subject)
            if person_key(draft.author) in hidden_authors(store, draft.image_id, person):
                raise AccessError(
                    "You are annotating this image independently.",
                    ("Continue with your own draft; others' work becomes visible once all annotators have submitted."),
                )
