"""Object ids beside the classes of a label map: a pyramid of its own in the label map's folder.

A label map says which class a pixel has; ids say which object of that class. Two objects that touch are then two, and
one in two parts is one. Ids are optional, and optional for each class: the classes that have ids are kept with them.
Pixels of other classes, and pixels whose id is 0, belong to the 8-connected piece in which they lie, as without ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import zarr
from numpy.typing import NDArray

from core.errors import LabelMapError
from core.files import explained_os_errors
from core.imaging.block_writer import BlockWriter
from core.imaging.downsample import halve_nearest
from core.imaging.pyramid_layout import OBJECTS, create_levels, is_unfinished, open_levels
from core.imaging.sharded_plane import ShardedPlane

MOST_ID: Final = 2**32 - 1
"""Largest id that there is room for."""

_SHARD_PX: Final = 1024
"""Edge of a shard: 2 x 2 of the tiles that a label map has, and as many bytes as its shards: no more memory for ids."""

_ATTRIBUTE: Final = "cristae"
_CLASSES: Final = "object_classes"


@dataclass(frozen=True, slots=True, eq=False)
class ObjectIds:
    """Which object of its class a pixel belongs to.

    Parameters
    ----------
    ids_yx
        uint32, shape of the label map; 0: no id. An id belongs to one class; if it occurs in two, those are two
        objects.
    class_ids
        The classes that have ids, ascending.
    """

    ids_yx: NDArray[np.uint32]
    class_ids: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.ids_yx.dtype != np.uint32 or self.ids_yx.ndim != 2:
            raise LabelMapError(
                f"Object ids are {self.ids_yx.dtype} with {self.ids_yx.ndim} dimensions.", "Give a 2D array of uint32."
            )
        object.__setattr__(self, "class_ids", checked_classes(self.class_ids))

    def valid(self, labels_yx: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Where an id counts: not 0, and of a class that has ids."""
        has_ids = np.zeros(256, bool)
        has_ids[list(self.class_ids)] = True
        where: NDArray[np.bool_] = has_ids[labels_yx] & (self.ids_yx != 0)
        return where

    def translated(self, lookup: NDArray[np.uint8]) -> ObjectIds | None:
        """The ids of a label map whose classes were replaced; None where no class with ids is left.

        Parameters
        ----------
        lookup
            uint8, shape (256,): new class id of each.
        """
        classes = translated_classes(self.class_ids, lookup)
        return ObjectIds(self.ids_yx, classes) if classes else None


def checked_classes(class_ids: Sequence[int]) -> tuple[int, ...]:
    """The classes ascending, each once.

    Raises
    ------
    LabelMapError
        Background (0) or *ignore* (255) is among them, or no class id at all.
    """
    classes = tuple(sorted({int(class_id) for class_id in class_ids}))
    wrong = [class_id for class_id in classes if not 0 < class_id < 255]
    if wrong:
        raise LabelMapError(f"{wrong[0]} cannot have objects.", "Only classes, with ids from 1 to 254, have objects.")
    return classes


def translated_classes(class_ids: Sequence[int], lookup: NDArray[np.uint8]) -> tuple[int, ...]:
    """The classes that those with ids become; background and *ignore* have none.

    >>> table = np.arange(256, dtype=np.uint8)
    >>> table[3] = 0
    >>> translated_classes((1, 3), table)
    (1,)
    """
    return checked_classes([int(lookup[i]) for i in class_ids if int(lookup[i]) not in (0, 255)])


class ObjectPyramidWriter(BlockWriter):
    """Writes object ids beside a label map, in blocks of any size and order; see `BlockWriter`.

    Unwritten pixels are 0. The levels above 0 have the id of every second pixel, so that no id is made up. Until
    `finish`, readers of the label map see no ids. Ids may be written while the label map is, or after it.

    Parameters
    ----------
    label_path
        The folder of the label map's pyramid, which is there, complete or being written.
    shape_yx
        Rows, columns of the label map.
    class_ids
        The classes that have ids.
    pixel_size_nm
        None where unknown.

    Raises
    ------
    LabelMapError
        There is no label map, it has ids already, or a class cannot have any.
    StorageFullError
        The device is full, or the folder cannot be written. Then nothing is left.

    Examples
    --------
    >>> import tempfile
    >>> from core.imaging.pyramid import open_pyramid, write_label_pyramid
    >>> path = Path(tempfile.mkdtemp()) / "labels"
    >>> write_label_pyramid(path, np.array([[1, 1, 1, 2]], np.uint8), pixel_size_nm=None)
    >>> with ObjectPyramidWriter(path, (1, 4), class_ids=(1,), pixel_size_nm=None) as writer:
    ...     writer.write(0, 0, np.array([[7, 7, 9, 0]], np.uint32))
    >>> pyramid = open_pyramid(path)
    >>> pyramid.object_classes, pyramid.objects.whole().tolist()
    ((1,), [[7, 7, 9, 0]])
    """

    def __init__(
        self,
        label_path: Path,
        shape_yx: tuple[int, int],
        *,
        class_ids: Sequence[int],
        pixel_size_nm: float | None,
    ) -> None:
        classes, path = checked_classes(class_ids), label_path / OBJECTS
        if not (label_path / "zarr.json").is_file():
            raise LabelMapError(f"There is no label map at {label_path.name}.", "Write the label map before its ids.")

        def create(folder: Path) -> None:
            create_levels(
                folder, shape_yx, np.uint32, fill_value=0, pixel_size_nm=pixel_size_nm, name=OBJECTS, shard_px=_SHARD_PX
            )
            zarr.open_group(folder, mode="r+").attrs[_ATTRIBUTE] = {_CLASSES: list(classes)}

        def open_planes() -> list[ShardedPlane]:
            return [ShardedPlane(open_levels(zarr.open_group(path, mode="r+")), halve_nearest)]

        super().__init__(path, shape_yx, create, open_planes)
        self.class_ids = classes

    def write(self, row: int, col: int, ids_u32: NDArray[np.uint32]) -> None:
        """Write a block; what was there before is replaced.

        Parameters
        ----------
        row, col
            Of the block's first pixel.
        ids_u32
            uint32, shape (rows, columns).

        Raises
        ------
        LabelMapError
            The block is not uint32, or reaches beyond the label map.
        StorageFullError
            The device is full, or the folder cannot be written.
        """
        if ids_u32.ndim != 2 or ids_u32.dtype != np.uint32:
            raise LabelMapError(
                f"A block of object ids is {ids_u32.dtype} of shape {ids_u32.shape}.", "Give a 2D array of uint32."
            )
        with self._lock:
            self._check_open()
            self._check_place(row, col, ids_u32.shape)
            if ids_u32.size == 0:
                return
            with explained_os_errors(self.path):
                self._planes[0].put(0, row, col, ids_u32)
                if self._due():
                    self._flush()


def write_object_pyramid(label_path: Path, objects: ObjectIds, *, pixel_size_nm: float | None) -> None:
    """Write all ids of a label map at once; see `ObjectPyramidWriter`, also for what it raises."""
    rows, columns = objects.ids_yx.shape
    with ObjectPyramidWriter(
        label_path, (rows, columns), class_ids=objects.class_ids, pixel_size_nm=pixel_size_nm
    ) as writer:
        for row in range(0, rows, _SHARD_PX):
            writer.write(row, 0, objects.ids_yx[row : row + _SHARD_PX])


def has_objects(label_path: Path) -> bool:
    """Whether a label map has a complete pyramid of object ids."""
    folder = label_path / OBJECTS
    return (folder / "zarr.json").is_file() and not is_unfinished(folder)


def read_object_classes(attributes: dict[str, Any]) -> tuple[int, ...]:
    """The classes that have ids, of the attributes of their pyramid.

    Raises
    ------
    KeyError, TypeError
        They do not say so.
    """
    return tuple(int(class_id) for class_id in attributes[_ATTRIBUTE][_CLASSES])
