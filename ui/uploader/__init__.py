"""A drop zone that streams files of any size to the server (Streamlit's own uploader holds them in memory)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import streamlit as st

from core.imaging.formats import FORMATS
from core.imaging.reader import SUFFIXES
from core.settings import current_settings
from ui.viewer.assets import BUNDLES, app_root, module_shim

ACCEPTED: Final = SUFFIXES
"""Offered first in the file dialog; whether a file can be read is decided by its content."""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that is on the server now.

    Parameters
    ----------
    upload_id
        What an ``ingest`` job is given.
    name
        A label for people, never a path.
    size_bytes
        Its length.
    batch_id
        The batch that it was dropped into; "" where nothing follows by itself.
    files
        How many files that batch has.
    """

    upload_id: str
    name: str
    size_bytes: int
    batch_id: str = ""
    files: int = 0


def uploader(
    *,
    key: str,
    label: str = "Drop micrographs here",
    accept: tuple[str, ...] = ACCEPTED,
    multiple: bool = True,
    drop: Mapping[str, Any] | None = None,
    on_upload: Callable[[], None] | None = None,
) -> tuple[UploadedFile, ...]:
    """Show a drop zone.

    Parameters
    ----------
    key
        Names the drop zone on its page.
    label
        What to drop.
    accept
        Extensions offered first, with their dot.
    multiple
        Whether several files may be chosen.
    drop
        What the server does with each file once it has arrived, without the browser: ``project`` and ``plan`` as
        `core.web.drops.segmenting` takes them. None: nothing.
    on_upload
        Called before the rerun that arrived files cause.

    Returns
    -------
    tuple of UploadedFile
        Those that have arrived since the last run, each once. Empty in a run with another cause.
    """
    result = _component()(
        key=key,
        data={
            "label": label,
            "accept": list(accept),
            "kinds": kinds_text(accept),
            "multiple": multiple,
            "max_bytes": current_settings().max_upload_bytes,
            "root": app_root(),
            "drop": None if drop is None else dict(drop),
        },
        on_uploaded_change=on_upload or _nothing,
    )
    arrived: list[dict[str, Any]] = result.get("uploaded") or []
    return tuple(
        UploadedFile(item["upload_id"], item["name"], item["bytes"], item.get("batch_id", ""), item.get("files", 0))
        for item in arrived
    )


def kinds_text(accept: tuple[str, ...]) -> str:
    """What may be dropped, in words: formats by their names, other endings in capitals; "Any file" for no ending."""
    formats = [row for row in FORMATS if any(suffix in row.suffixes for suffix in accept)]
    names = [name for row in formats for name in (row.name, *row.also)]
    known = {suffix for row in formats for suffix in row.suffixes}
    names += [suffix.removeprefix(".").upper() for suffix in accept if suffix not in known]
    if len(names) < 2:
        return names[0] if names else "Any file"
    return f"{', '.join(names[:-1])} or {names[-1]}"


@lru_cache(maxsize=1)
def _component() -> Callable[..., Any]:
    """The component, registered once per process."""
    return st.components.v2.component(
        "cristae_uploader",
        html='<div class="uploader-host"></div>',
        css=(BUNDLES["uploader"] / "uploader.css").read_text(encoding="utf-8"),
        js=module_shim("uploader", "uploader.js"),
    )


def _nothing() -> None:
    """Declare a trigger that nobody listens to before the rerun."""
