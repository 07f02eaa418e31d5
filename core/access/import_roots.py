"""Files and folders of the server that a browser names: only those under the folders that the settings allow.

Whoever names a path makes the server read it. On one's own machine that is anything; where access goes by roles it is
nothing, unless ``import_roots`` names folders. What counts is where a path really leads: links out of them are refused,
at the moment of asking and again when a job reads.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from core.access.roles import Permission, require, require_anywhere
from core.errors import AccessError
from core.outside.links import is_link
from core.settings import Access, Settings
from core.store.store import Store

_MOST_ENTRIES: Final = 200_000
"""Of a folder that is looked through for links; a larger one is named in parts."""


def may_name_paths(store: Store, person: str, project_id: str | None = None) -> bool:
    """Whether a person may name files on the server at all, for a project or (None) for models."""
    try:
        require_naming(store, person, project_id)
    except AccessError:
        return False
    return True


def require_naming(store: Store, person: str, project_id: str | None = None) -> None:
    """Refuse whoever may not name files on the server.

    Raises
    ------
    AccessError
        It is switched off, or the person administers neither the project nor, with None, any.
    """
    if _roots(store.settings) == ():
        raise AccessError(
            "Reading server folders is disabled on this server.",
            "Drop the files instead, or ask the server's administrator to list folders in CRISTAE_IMPORT_ROOTS.",
        )
    if project_id is None:
        require_anywhere(store, person, Permission.MANAGE)
    else:
        require(store, project_id, person, Permission.MANAGE)


def allowed_path(settings: Settings, given: str | Path, *, own: Iterable[Path] = ()) -> Path:
    """Where a path really leads, if a browser may name it.

    Parameters
    ----------
    settings
        ``import_roots``, ``access`` and the folders of Cristae itself count.
    given
        As typed; ``~`` is the home of whoever runs the server.
    own
        Further folders that may be read: where dropped files of the same import wait.

    Returns
    -------
    Path
        Without links. What it names may not exist.

    Raises
    ------
    AccessError
        It lies elsewhere, or a link in it leads elsewhere. Nothing is said about what is there.
    """
    path = _resolved(Path(given).expanduser(), given)
    inside = tuple(_resolved(folder, folder) for folder in own)
    roots = _roots(settings)
    _require_inside(path, given, settings, roots, inside)
    for place, target in _links(path):
        _require_inside(target, place, settings, roots, inside)
    return path


def _require_inside(
    path: Path, given: str | Path, settings: Settings, roots: tuple[Path, ...] | None, own: tuple[Path, ...]
) -> None:
    if any(path.is_relative_to(folder) for folder in own):
        return
    if roots is None:
        return
    closed = settings.data_dir.resolve(), settings.models_dir.resolve()  # what others may not see, and keys
    within = any(path.is_relative_to(root) for root in roots)
    if within and not any(path.is_relative_to(folder) for folder in closed):
        return
    named = ", ".join(map(str, roots))
    raise AccessError(
        f"{str(given)[:200]} may not be read.",
        f"Name a file or folder in {named}; links out of them are not followed."
        if named
        else "Drop the files instead.",
    )


def _roots(settings: Settings) -> tuple[Path, ...] | None:
    """The folders; None: everything may be read; empty: nothing."""
    named = [Path(part.strip()).expanduser() for part in settings.import_roots.split(os.pathsep) if part.strip()]
    if not named:
        return () if settings.access is Access.ROLES else None
    return tuple(folder.resolve() for folder in named)


def _resolved(path: Path, given: str | Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # links in a ring, or a name that no file system takes
        raise AccessError(f"{str(given)[:200]!r} is not a path on this server.", "Check the spelling.") from error


def _links(folder: Path) -> Iterator[tuple[Path, Path]]:
    """The links in a folder and below it, each with where it leads.

    Raises
    ------
    AccessError
        There are too many entries to look at.
    """
    if not folder.is_dir():
        return
    seen = 0
    for parent, folders, files in os.walk(folder):
        seen += len(folders) + len(files)
        if seen > _MOST_ENTRIES:
            raise AccessError(f"{folder} holds more than {_MOST_ENTRIES:,} files.", "Name a smaller folder in it.")
        for name in (*folders, *files):
            path = Path(parent) / name
            if is_link(path):
                yield path, _resolved(path, path)
