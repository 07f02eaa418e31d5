"""How a pyramid lies on disk: OME-Zarr 0.5 on Zarr 3, sharded; levels, metadata, the mark of an unfinished one."""

from __future__ import annotations

import json
import os
import shutil
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import zarr
from numpy.typing import DTypeLike, NDArray
from zarr.codecs import ZstdCodec

from core.label_scheme import LabelScheme

TILE_PX: Final = 512
"""Edge of a chunk, the unit of reading: 256 KiB of labels, 2 ms to read and decode."""

SHARD_PX: Final = 2048
"""Edge of a shard, one file of 4 x 4 chunks: a 16,384 x 16,384 image is 64 files, not 1,024."""

CONFIDENCE: Final = "confidence"
"""Name of the confidence pyramid inside a label pyramid."""

OBJECTS: Final = "objects"
"""Name of the pyramid of object ids inside a label pyramid."""

UNFINISHED: Final = "unfinished.json"
"""A file of this name lies in a label pyramid from the first byte until it is complete."""

NM_PER_UNIT: Final = {
    "angstrom": 0.1, "nanometer": 1.0, "micrometer": 1e3, "millimeter": 1e6, "centimeter": 1e7, "meter": 1e9,
}  # fmt: skip
"""Units that OME-Zarr axes may carry, in nanometres."""

_PATIENCE_S: Final = 2.0
"""How long to try again while another process holds a file open (Windows refuses to replace it)."""


def level_shapes(shape_yx: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """Shapes from full resolution down to the first that fits into one tile; each is half the one before, rounded up.

    Examples
    --------
    >>> level_shapes((1025, 300))
    ((1025, 300), (513, 150), (257, 75))
    """
    shapes = [shape_yx]
    while max(shapes[-1]) > TILE_PX:
        rows, columns = shapes[-1]
        shapes.append((-(-rows // 2), -(-columns // 2)))
    return tuple(shapes)


def tile_overlap(region: slice, tile: int) -> tuple[slice, slice]:
    """Where one side of a tile lies in a region, and which part of the tile that is.

    >>> tile_overlap(slice(500, 600), 1)
    (slice(12, 100, None), slice(0, 88, None))
    """
    top = tile * TILE_PX
    first, last = max(region.start, top), min(region.stop, top + TILE_PX)
    return slice(first - region.start, last - region.start), slice(first - top, last - top)


def create_levels(
    folder: Path,
    shape_yx: tuple[int, int],
    dtype: DTypeLike,
    *,
    fill_value: int,
    pixel_size_nm: float | None,
    name: str,
    scheme: LabelScheme | None = None,
    shard_px: int = SHARD_PX,
) -> tuple[Array, ...]:
    """Make the group, its arrays and its multiscales metadata; no pixels yet.

    Parameters
    ----------
    folder
        Must not hold a pyramid yet.
    shape_yx
        Of level 0.
    dtype, fill_value
        Of every level; unwritten pixels read as ``fill_value``.
    pixel_size_nm
        Of level 0; None where unknown, then the axes have no unit and the scale counts pixels.
    name
        Shown by other viewers.
    scheme
        Given for label maps: written as ``image-label`` colours.
    shard_px
        Edge of a shard, a multiple of `TILE_PX`.

    Returns
    -------
    tuple of Array
        Level 0 first.
    """
    group = zarr.open_group(folder, mode="a", zarr_format=3)
    arrays = tuple(
        Array(
            group.create_array(
                str(level),
                shape=shape,
                dtype=np.dtype(dtype),
                chunks=(TILE_PX, TILE_PX),
                shards=(shard_px, shard_px),
                compressors=ZstdCodec(level=1, checksum=True),
                fill_value=fill_value,
                dimension_names=("y", "x"),
            )
        )
        for level, shape in enumerate(level_shapes(shape_yx))
    )
    _write_metadata(group, len(arrays), pixel_size_nm, name)
    if scheme is not None:
        _write_colors(group, scheme)
    return arrays


def read_pixel_size_nm(attributes: Mapping[str, Any]) -> float | None:
    """Pixel size of level 0 from a group's attributes, None where there is no unit."""
    multiscale = attributes["ome"]["multiscales"][0]
    nm_per_unit = NM_PER_UNIT.get(multiscale["axes"][-1].get("unit", ""))
    if nm_per_unit is None:
        return None
    for transformation in multiscale["datasets"][0]["coordinateTransformations"]:
        if transformation["type"] == "scale":
            return float(transformation["scale"][-1]) * nm_per_unit
    return None


def set_pyramid_pixel_size(folder: Path, pixel_size_nm: float | None) -> None:
    """Write another pixel size into the metadata of a pyramid, its confidence and its object ids; the pixels stay."""
    for each in (folder, folder / CONFIDENCE, folder / OBJECTS):
        if (each / "zarr.json").is_file():
            group = zarr.open_group(each, mode="r+")
            ome: Any = dict(group.attrs)["ome"]
            multiscale = ome["multiscales"][0]
            _write_metadata(group, len(multiscale["datasets"]), pixel_size_nm, str(multiscale.get("name", "")))


def mark_unfinished(folder: Path) -> None:
    """Leave the mark, with who and when, before the first byte."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / UNFINISHED).write_text(json.dumps({"pid": os.getpid(), "began": time.time()}) + "\n", encoding="utf-8")


def is_unfinished(folder: Path) -> bool:
    """Whether this label pyramid is being written, or was left by a process that died."""
    return (folder / UNFINISHED).is_file()


def is_complete(folder: Path) -> bool:
    """Whether this is a pyramid that was written to its end, of an image or of labels."""
    return (folder / "zarr.json").is_file() and not is_unfinished(folder)


def remove_unfinished(folder: Path) -> bool:
    """Remove a label pyramid that bears the mark; anything else is left alone.

    The mark goes last, so that a removal cut short can be repeated.

    Returns
    -------
    bool
        Whether there was one.
    """
    if not is_unfinished(folder):
        return False
    for child in folder.iterdir():
        if child.is_dir():
            shutil.rmtree(child, ignore_errors=True)
        elif child.name != UNFINISHED:
            with suppress(OSError):
                child.unlink()
    if [child.name for child in folder.iterdir()] == [UNFINISHED]:
        shutil.rmtree(folder, ignore_errors=True)
    return True


class Array:
    """One level: a Zarr array that another process may be reading or writing at the same time."""

    def __init__(self, array: zarr.Array[Any]) -> None:
        self._array = array

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        rows, columns = self._array.shape
        return rows, columns

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the pixels."""
        return np.dtype(self._array.dtype)

    @property
    def shard_px(self) -> int:
        """Edge of a shard."""
        return SHARD_PX if self._array.shards is None else int(self._array.shards[0])

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """The pixels of a region. A shard replaced between reading its index and its chunks is read again."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return np.asarray(self._array[rows, columns])
            except (RuntimeError, ValueError, PermissionError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def write(self, row: int, column: int, block_yx: NDArray[Any]) -> None:
        """Replace the pixels of a region; whole shards are replaced in one move."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                self._array[row : row + block_yx.shape[0], column : column + block_yx.shape[1]] = block_yx
                return
            except PermissionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)


def open_levels(group: zarr.Group) -> tuple[Array, ...]:
    """The levels that a group's metadata lists, full resolution first."""
    ome: Any = dict(group.attrs)["ome"]
    levels = []
    for dataset in ome["multiscales"][0]["datasets"]:
        array = group[dataset["path"]]
        if not isinstance(array, zarr.Array):
            raise KeyError(dataset["path"])
        levels.append(Array(array))
    return tuple(levels)


def shards(shape_yx: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Row and column indices of all shards of a level."""
    rows, columns = (-(-n // SHARD_PX) for n in shape_yx)
    return ((r, c) for r in range(rows) for c in range(columns))


def shard_bounds(
    shard: tuple[int, int], shape_yx: tuple[int, int], shard_px: int = SHARD_PX
) -> tuple[int, int, int, int]:
    """First row, row after the last, first column, column after the last of a shard, cut at the image's edge."""
    row, column = shard[0] * shard_px, shard[1] * shard_px
    return row, min(row + shard_px, shape_yx[0]), column, min(column + shard_px, shape_yx[1])


def _write_metadata(group: zarr.Group, levels: int, pixel_size_nm: float | None, name: str) -> None:
    """Multiscales metadata; each level's scale, and the shift of its first pixel's centre."""
    with warnings.catch_warnings():  # ome_zarr.writer calls its own deprecated class while it is imported
        warnings.simplefilter("ignore", DeprecationWarning)
        from ome_zarr.format import FormatV05  # pulls in Dask: only writers pay for it
        from ome_zarr.writer import write_multiscales_metadata

    base = 1.0 if pixel_size_nm is None else pixel_size_nm / NM_PER_UNIT["micrometer"]
    unit = {} if pixel_size_nm is None else {"unit": "micrometer"}
    write_multiscales_metadata(
        group,
        datasets=[
            {
                "path": str(level),
                "coordinateTransformations": [
                    {"type": "scale", "scale": [base * 2**level] * 2},
                    {"type": "translation", "translation": [base * (2**level - 1) / 2] * 2},
                ],
            }
            for level in range(levels)
        ],
        fmt=FormatV05(),
        axes=[{"name": axis, "type": "space", **unit} for axis in ("y", "x")],
        name=name or "image",
    )


def _write_colors(group: zarr.Group, scheme: LabelScheme) -> None:
    """The scheme as ``image-label`` metadata, so that other viewers show the same colours."""
    ome: Any = dict(group.attrs)["ome"]
    group.attrs["ome"] = {**ome, "image-label": _image_label(scheme)}


def with_colors(metadata: Mapping[str, Any], scheme: LabelScheme) -> dict[str, Any]:
    """The ``zarr.json`` of a label pyramid, parsed, with the colours and names of a scheme in place of its own."""
    attributes = metadata["attributes"]
    ome = {**attributes["ome"], "image-label": _image_label(scheme)}
    return {**metadata, "attributes": {**attributes, "ome": ome}}


def _image_label(scheme: LabelScheme) -> dict[str, Any]:
    return {
        "colors": [{"label-value": c.id, "rgba": [*c.rgb(), 255]} for c in scheme.classes],
        "properties": [{"label-value": c.id, "name": c.name} for c in scheme.classes],
    }
