"""Pyramids that stay open between requests: opening one costs more than reading a tile of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.cache import MB, Cache
from core.errors import NotFoundError
from core.imaging.pyramid import Pyramid, open_pyramid

MAX_OPEN: Final = 64
"""Handles only, no pixels: a few kilobytes each."""


class OpenPyramids:
    """The pyramids used last, by folder. Safe to share by threads."""

    def __init__(self, capacity: int = MAX_OPEN) -> None:
        self._open: Cache[tuple[int, Pyramid]] = Cache(
            "opened pyramids",
            "levels of images and label maps, without their pixels",
            limit_bytes=4 * MB,
            most=capacity,
        )

    def get(self, path: Path) -> Pyramid:
        """The pyramid in a folder, opened once; opened anew when the folder was replaced.

        Raises
        ------
        NotFoundError
            The folder is gone.
        ImageError
            It holds no pyramid.
        """
        try:
            identity = (path / "zarr.json").stat().st_ino
        except OSError as error:
            self._open.forget(lambda known: known == path)
            raise NotFoundError(f"The pixels of {path.name} are missing.", "Reload the page.") from error
        known = self._open.get(path)
        if known and known[0] == identity:
            return known[1]
        return self._open.put(path, (identity, open_pyramid(path)))[1]
