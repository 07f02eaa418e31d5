"""Image and label pyramids as OME-Zarr 0.5: the face of `pyramid_layout`, `label_pyramid`, `object_pyramid`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from core.errors import ImageError
from core.files import explained_os_errors, replacing
from core.imaging.downsample import halve_mean
from core.imaging.image import Image
from core.imaging.label_pyramid import LabelPyramidWriter, write_label_pyramid
from core.imaging.object_pyramid import ObjectIds, ObjectPyramidWriter, has_objects, read_object_classes
from core.imaging.pyramid_layout import (
    CONFIDENCE,
    OBJECTS,
    SHARD_PX,
    TILE_PX,
    Array,
    create_levels,
    is_unfinished,
    open_levels,
    read_pixel_size_nm,
    remove_unfinished,
    set_pyramid_pixel_size,
    shard_bounds,
)

__all__ = [
    "SHARD_PX",
    "TILE_PX",
    "LabelPyramidWriter",
    "ObjectIds",
    "ObjectPyramidWriter",
    "Pyramid",
    "copy_ids",
    "has_objects",
    "is_unfinished",
    "open_pyramid",
    "remove_unfinished",
    "set_pyramid_pixel_size",
    "write_image_pyramid",
    "write_label_pyramid",
]


class Pyramid:
    """A pyramid opened for reading. Cheap to keep; holds no pixels and no open file; safe to share by threads.

    Parameters
    ----------
    path
        Its folder.
    levels
        Full resolution first; each next level is half (rounded up) of the one before.
    pixel_size_nm
        Of level 0, None where unknown.
    confidence
        The confidence map of a label pyramid.
    objects
        The object ids of a label pyramid, uint32; None: it has none.
    object_classes
        The classes that have ids.
    """

    def __init__(
        self,
        path: Path,
        levels: tuple[Array, ...],
        pixel_size_nm: float | None,
        confidence: Pyramid | None = None,
        objects: Pyramid | None = None,
        object_classes: tuple[int, ...] = (),
    ) -> None:
        self.path = path
        self.pixel_size_nm = pixel_size_nm
        self.confidence = confidence
        self.objects = objects
        self.object_classes = object_classes
        self._levels = levels

    @property
    def shape_yx(self) -> tuple[int, int]:
        """Rows and columns at full resolution."""
        return self._levels[0].shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the pixels."""
        return self._levels[0].dtype

    @property
    def levels(self) -> int:
        """How many levels there are."""
        return len(self._levels)

    @property
    def complete(self) -> bool:
        """False while a `LabelPyramidWriter` is at work, and after one that died."""
        return not is_unfinished(self.path)

    def level_shape(self, level: int) -> tuple[int, int]:
        """Rows and columns of a level."""
        return self._level(level).shape

    def read(self, level: int, rows: slice, columns: slice) -> NDArray[Any]:
        """The pixels of a region, cut at the level's edge.

        Parameters
        ----------
        level
            0 is full resolution.
        rows, columns
            Without a step.

        Returns
        -------
        ndarray
            Shape as the slices ask, smaller or empty where they reach beyond the level.

        Raises
        ------
        ImageError
            There is no such level, or the files are damaged.
        """
        array = self._level(level)
        try:
            return array.read(rows, columns)
        except (RuntimeError, ValueError, OSError) as error:
            raise ImageError(
                f"Level {level} of {self.path.name} cannot be read ({error}).",
                "Its files are damaged or were removed; import the image again.",
            ) from error

    def whole(self, level: int = 0) -> NDArray[Any]:
        """All pixels of a level at once; the one way to read an image or label map whole, into memory.

        Raises
        ------
        ImageError
            As for `read`.
        """
        height, width = self.level_shape(level)
        return self.read(level, slice(0, height), slice(0, width))

    def tile(self, level: int, row: int, column: int) -> NDArray[Any]:
        """The tile at a row and column of tiles, at most `TILE_PX` square; empty beyond the edge.

        Raises
        ------
        ImageError
            As for `read`.
        """
        top, left = row * TILE_PX, column * TILE_PX
        return self.read(level, slice(top, top + TILE_PX), slice(left, left + TILE_PX))

    def object_ids(self, rows: slice = slice(None), columns: slice = slice(None)) -> ObjectIds | None:
        """The object ids of a region at full resolution; None where the label map has none.

        Raises
        ------
        ImageError
            As for `read`.
        """
        if self.objects is None or not self.object_classes:
            return None
        return ObjectIds(np.asarray(self.objects.read(0, rows, columns), np.uint32), self.object_classes)

    def _level(self, level: int) -> Array:
        if not 0 <= level < len(self._levels):
            raise ImageError(f"{self.path.name} has no level {level}.", f"Its levels are 0 to {len(self._levels) - 1}.")
        return self._levels[level]


def open_pyramid(path: Path) -> Pyramid:
    """Open an image or label pyramid, also one that is being written.

    Raises
    ------
    ImageError
        There is no pyramid, or one of another kind.
    """
    confidence = path / CONFIDENCE
    try:
        group = zarr.open_group(path, mode="r", zarr_format=3)
        objects, classes = _opened_objects(path)
        return Pyramid(
            path,
            open_levels(group),
            read_pixel_size_nm(dict(group.attrs)),
            open_pyramid(confidence) if (confidence / "zarr.json").is_file() else None,
            objects,
            classes,
        )
    except FileNotFoundError as error:
        raise ImageError(f"There is no pyramid at {path.name}.", "Import the image again.") from error
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ImageError(
            f"{path.name} is not a pyramid that Cristae wrote ({error}).", "Import the image again."
        ) from error


def copy_ids(source: Pyramid, label_path: Path, class_ids: tuple[int, ...]) -> None:
    """Write the object ids of a label map beside another one of the same size, band by band.

    Parameters
    ----------
    source
        A label map; nothing happens where it has no ids.
    label_path
        The folder of the other label map, which is there.
    class_ids
        The classes that have ids in the other one; nothing happens without any.

    Raises
    ------
    ImageError
        The ids cannot be read.
    StorageFullError
        The device is full, or the folder cannot be written. Then there are no ids.
    """
    if source.objects is None or not class_ids:
        return
    rows, _ = source.shape_yx
    with ObjectPyramidWriter(
        label_path, source.shape_yx, class_ids=class_ids, pixel_size_nm=open_pyramid(label_path).pixel_size_nm
    ) as writer:
        for top in range(0, rows, TILE_PX):
            ids = np.asarray(source.objects.read(0, slice(top, top + TILE_PX), slice(None)), np.uint32)
            writer.write(top, 0, ids)


def _opened_objects(path: Path) -> tuple[Pyramid | None, tuple[int, ...]]:
    """The object ids of a label pyramid and the classes that have them; those being written are not there yet."""
    if not has_objects(path):
        return None, ()
    group = zarr.open_group(path / OBJECTS, mode="r", zarr_format=3)
    attributes: dict[str, Any] = dict(group.attrs)
    pyramid = Pyramid(path / OBJECTS, open_levels(group), read_pixel_size_nm(attributes))
    return pyramid, read_object_classes(attributes)


def write_image_pyramid(path: Path, image: Image) -> None:
    """Write an image with all its levels, means of 2 x 2 pixels in its own data type.

    Works shard by shard, so that little memory is needed beside the image. The folder takes its name only when it is
    complete; one that is there already is replaced.

    Parameters
    ----------
    path
        The pyramid's folder. Parents are made.
    image
        uint8, uint16 or float32.

    Raises
    ------
    StorageFullError
        The device is full, or the folder cannot be written. Then nothing is left.
    """
    with explained_os_errors(path), replacing(path) as temporary:
        levels = create_levels(
            temporary,
            image.shape,
            image.pixels_yx.dtype,
            fill_value=0,
            pixel_size_nm=image.pixel_size.nm,
            name=image.name,
        )
        _write_shard(levels, len(levels) - 1, (0, 0), image.pixels_yx)


def _write_shard(
    levels: tuple[Array, ...], level: int, shard: tuple[int, int], pixels_yx: NDArray[Any]
) -> NDArray[Any]:
    """Write one shard and all that lie under it; return its pixels.

    A shard above level 0 is put together from its four children, halved: a depth-first walk holds one shard a level.
    """
    top, bottom, left, right = shard_bounds(shard, levels[level].shape)
    if level == 0:
        block = pixels_yx[top:bottom, left:right]
    else:
        block = np.empty((bottom - top, right - left), dtype=pixels_yx.dtype)
        half = SHARD_PX // 2
        for row in range(-(-block.shape[0] // half)):
            for column in range(-(-block.shape[1] // half)):
                child = halve_mean(
                    _write_shard(levels, level - 1, (2 * shard[0] + row, 2 * shard[1] + column), pixels_yx)
                )
                block[row * half : row * half + child.shape[0], column * half : column * half + child.shape[1]] = child
    levels[level].write(top, left, block)
    return block
