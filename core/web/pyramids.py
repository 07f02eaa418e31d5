"""Pyramids that stay open between requests: opening one costs more than reading a tile of it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Final

from core.errors import NotFoundError
from core.imaging.pyramid import Pyramid, open_pyramid

MAX_OPEN: Final = 64
"""Handles only, no pixels: a few kilobytes each."""


class OpenPyramids:
    """The pyramids used last, by folder. Safe to share by threads."""

    def __init__(self, capacity: int = MAX_OPEN) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._open: OrderedDict[Path, tuple[int, Pyramid]] = OrderedDict()

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
            with self._lock:
                self._open.pop(path, None)
            raise NotFoundError(f"The pixels of {path.name} are missing.", "Reload the page.") from error
        with self._lock:
            known = self._open.get(path)
            if known and known[0] == identity:
                self._open.move_to_end(path)
                return known[1]
        pyramid = open_pyramid(path)
        with self._lock:
            self._open[path] = (identity, pyramid)
            while len(self._open) > self._capacity:
                self._open.popitem(last=False)
        return pyramid
