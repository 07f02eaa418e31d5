"""Where files go that are to be segmented: the projects that a person may add images to, and the first project."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Final

from core.access.roles import Permission, may, require_anywhere
from core.batches.rows import last_projects
from core.demo.project import demo_project
from core.errors import AccessError, StoreError
from core.label_scheme import LabelScheme
from core.projects.changes import create_project
from core.store.people import clean_name
from core.store.records import ProjectRecord
from core.store.store import Store

FIRST_PROJECT: Final = "My images"
"""Name of the project that is made for the first file. It may be renamed: the store knows it by a mark."""

_NAMES: Final = 100
"""So many names are tried where others have taken it."""


def upload_projects(store: Store, person: str, *, used: Sequence[str | None] = ()) -> tuple[ProjectRecord, ...]:
    """The projects that a person may add images to: those used last, then the newest; the demo project comes last.

    Parameters
    ----------
    used
        Ids of projects that were looked at last, which come first.
    """
    demo = demo_project(store)
    known = {
        project.id: project for project in store.projects.all() if may(store, project.id, person, Permission.ADD_IMAGES)
    }
    newest = [each for each in reversed(known) if demo is None or each != demo.id]
    order = dict.fromkeys([*used, *last_projects(store, person), *newest, *known])
    return tuple(known[each] for each in order if each in known)


def makes_first_project(store: Store, person: str) -> bool:
    """Whether the first project is offered to a person: they may make it, and have no other of their own."""
    demo = demo_project(store)
    if any(demo is None or project.id != demo.id for project in upload_projects(store, person)):
        return False
    return store.projects.uploads_project() is None and _may_make_projects(store, person)


def first_project(store: Store, scheme: LabelScheme, *, by: str) -> ProjectRecord:
    """The project for files that were dropped where no project was chosen.

    It is the one that was made for such files, whatever it is called now, and is made once however many ask at the
    same time. Who may not add images to it gets the first of `upload_projects`.

    Parameters
    ----------
    scheme
        The classes of a project that is made now.

    Raises
    ------
    AccessError
        ``by`` may neither add images to a project nor make one.
    """
    for number in count(1):
        known = store.projects.uploads_project()
        if known is not None and may(store, known.id, by, Permission.ADD_IMAGES):
            return known
        if known is not None or not _may_make_projects(store, by):
            break
        name = FIRST_PROJECT if number == 1 else f"{FIRST_PROJECT} ({number})"
        try:
            return create_project(store, name, scheme, by=by, for_uploads=True)
        except StoreError:  # somebody else was quicker, or has a project of this name
            if number == _NAMES:
                raise
    own = upload_projects(store, by)
    if own:
        return own[0]
    who = f"{clean_name(by)} has" if clean_name(by) else "A person without a name has"
    raise AccessError(
        f"{who} no project to add images to and may not create one.",
        "Ask an admin to create a project or to give you the role annotator.",
    )


def _may_make_projects(store: Store, person: str) -> bool:
    """As `core.projects.changes.create_project` asks."""
    try:
        require_anywhere(store, person, Permission.MANAGE)
    except AccessError:
        return False
    return True
