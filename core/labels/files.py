"""Writing label maps and micrographs for other programs: Fiji, napari, QuPath, Photoshop.

TIFF files are ImageJ's own kind: they open with a scale in µm, and a label map in the colours of its classes. PNG files
carry the scale in pHYs. Both say in words what the values mean.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from core import __version__
from core.files import replacing
from core.imaging.overlay import color_table
from core.imaging.png_writing import RowReader, write_png
from core.label_scheme import IGNORE_ID

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.label_scheme import LabelScheme

_NM_PER_CM: Final = 1e7
_NM_PER_UM: Final = 1e3

STRIP_ROWS: Final = 512
"""Rows of a strip of a TIFF: those of a chunk of a pyramid, so that each chunk is read once."""

_IGNORE_COLOR: Final = (128, 128, 128)
"""Pixels that nobody reviewed are grey: black would look like background."""

_CLASSIC_BYTES: Final = 2**32 - 2**26
"""What an ordinary TIFF holds; ImageJ's kind knows no larger one."""

_NO_UNIT: Final = 1
"""Value of ResolutionUnit with which ImageJ's own unit counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What a file says of itself.

    Parameters
    ----------
    pixel_size_nm
        Edge of a pixel in nm; None: unknown.
    scheme
        Classes of a label map, with their colours; None for a micrograph.
    image
        Name of the image.
    made_by
        Where a label map comes from, in words: "reference", "prediction of the model starter".
    """

    pixel_size_nm: float | None
    scheme: LabelScheme | None = None
    image: str = ""
    made_by: str = ""

    @property
    def classes(self) -> str:
        """One line per value: "1 mitochondria #ff0000"; "" for a micrograph."""
        if self.scheme is None:
            return ""
        lines = ["0 background", *(f"{item.id} {item.name} {item.color}" for item in self.scheme.classes)]
        return "\n".join([*lines, f"{IGNORE_ID} not annotated (ignore)"])

    @property
    def pixel_size(self) -> str:
        """ "8 nm" or "unknown"."""
        return "unknown" if self.pixel_size_nm is None else f"{self.pixel_size_nm:.6g} nm"

    @property
    def texts(self) -> dict[str, str]:
        """Keyword to text, as PNG files keep them; what is not known is left out."""
        found = {
            "Software": f"Cristae {__version__}",
            "Title": self.image,
            "Source": self.made_by,
            "Pixel size": self.pixel_size,
            "Classes": self.classes,
        }
        return {keyword: text for keyword, text in found.items() if text}

    @property
    def info(self) -> str:
        """The same as one text, as ImageJ shows it with Image > Show Info."""
        return "\n".join(
            f"{keyword}:\n{text}" if "\n" in text else f"{keyword}: {text}" for keyword, text in self.texts.items()
        )


def write_label_tiff(path: Path, labels_yx: NDArray[np.uint8], facts: FileFacts) -> None:
    """Write class ids as an 8-bit TIFF whose values are the ids, with a colour for each class.

    Parameters
    ----------
    path
        Where; replaced atomically.
    labels_yx
        uint8 class ids, shape (rows, columns).
    facts
        Pixel size and classes.

    Raises
    ------
    StorageFullError
        The folder cannot be written.
    """
    write_label_tiff_by_rows(path, _shape(labels_yx), lambda top, bottom: labels_yx[top:bottom], facts)


def write_label_tiff_by_rows(path: Path, shape_yx: tuple[int, int], read_rows: RowReader, facts: FileFacts) -> None:
    """As `write_label_tiff`, for label maps that need not fit into memory: one strip is held at a time.

    Parameters
    ----------
    path, facts
        As there.
    shape_yx
        Rows and columns of the whole.
    read_rows
        Called with the first row and the row behind the last, from top to bottom; gives uint8 class ids of full width.

    Raises
    ------
    StorageFullError
        The folder cannot be written.
    """
    colors = None if facts.scheme is None else label_palette(facts.scheme).T.astype(np.uint16) * 257
    _write_tiff(path, shape_yx, read_rows, facts, np.dtype(np.uint8), colors)


def write_object_tiff(path: Path, ids_yx: NDArray[np.uint32], facts: FileFacts) -> None:
    """As `write_object_tiff_by_rows`, of ids in memory."""
    shape_yx = (ids_yx.shape[0], ids_yx.shape[1])
    write_object_tiff_by_rows(path, shape_yx, lambda top, bottom: ids_yx[top:bottom], facts)


def write_object_tiff_by_rows(path: Path, shape_yx: tuple[int, int], read_rows: RowReader, facts: FileFacts) -> None:
    """Write ids of objects as a 32-bit TIFF whose values are the ids, with the scale and words as ImageJ keeps them.

    Parameters
    ----------
    path, shape_yx, facts
        As `write_label_tiff_by_rows`.
    read_rows
        Gives uint32 ids of full width, 0 where no object is.

    Raises
    ------
    StorageFullError
        The folder cannot be written.
    """
    _write_tiff(path, shape_yx, read_rows, facts, np.dtype(np.uint32), None)


def write_image_tiff_by_rows(
    path: Path, shape_yx: tuple[int, int], dtype: np.dtype[Any], read_rows: RowReader, facts: FileFacts
) -> None:
    """Write a micrograph as it is, strip by strip.

    Parameters
    ----------
    path, shape_yx, read_rows, facts
        As `write_label_tiff_by_rows`.
    dtype
        uint8, uint16 or float32.

    Raises
    ------
    StorageFullError
        The folder cannot be written.
    """
    _write_tiff(path, shape_yx, read_rows, facts, np.dtype(dtype), None)


def write_label_png(path: Path, labels_yx: NDArray[np.uint8], facts: FileFacts) -> None:
    """Write class ids as an 8-bit palette PNG: the values are the ids, the palette shows them in colour.

    Raises
    ------
    StorageFullError
        The folder cannot be written.
    """
    write_label_png_by_rows(path, _shape(labels_yx), lambda top, bottom: labels_yx[top:bottom], facts)


def write_label_png_by_rows(path: Path, shape_yx: tuple[int, int], read_rows: RowReader, facts: FileFacts) -> None:
    """As `write_label_png`, for label maps that need not fit into memory.

    Raises
    ------
    StorageFullError
        The folder cannot be written.
    """
    palette = None if facts.scheme is None else label_palette(facts.scheme)
    write_png(path, shape_yx, read_rows, palette=palette, pixel_size_nm=facts.pixel_size_nm, texts=facts.texts)


def label_palette(scheme: LabelScheme) -> NDArray[np.uint8]:
    """Colours of label files by value: uint8, shape (256, 3); background black, not reviewed grey."""
    table = color_table(scheme)
    table[IGNORE_ID] = _IGNORE_COLOR
    return table


def resolution_tags(pixel_size_nm: float | None) -> dict[str, Any]:
    """Arguments of `tifffile.imwrite` that keep a pixel size in a plain TIFF; none where it is unknown.

    >>> resolution_tags(8.0)
    {'resolution': (1250000.0, 1250000.0), 'resolutionunit': 'CENTIMETER'}
    """
    if pixel_size_nm is None:
        return {}
    return {"resolution": (_NM_PER_CM / pixel_size_nm,) * 2, "resolutionunit": "CENTIMETER"}


def _write_tiff(
    path: Path,
    shape_yx: tuple[int, int],
    read_rows: RowReader,
    facts: FileFacts,
    dtype: np.dtype[Any],
    colors: NDArray[np.uint16] | None,
) -> None:
    """Deflated strips; the colours of an 8-bit image have shape (3, 256), 16 bits each."""
    import tifffile

    def strips() -> Iterator[bytes]:
        for top in range(0, shape_yx[0], STRIP_ROWS):
            rows = read_rows(top, min(top + STRIP_ROWS, shape_yx[0]))
            yield zlib.compress(np.ascontiguousarray(rows, dtype=dtype).data)

    whole_bytes = shape_yx[0] * shape_yx[1] * dtype.itemsize
    if whole_bytes >= _CLASSIC_BYTES:
        kind = _plain_arguments(facts)
    else:
        kind = _wide_arguments(facts) if dtype == np.uint32 else _imagej_arguments(facts)
    with replacing(path) as temporary:
        tifffile.imwrite(
            temporary,
            strips(),
            shape=shape_yx,
            dtype=dtype,
            photometric=None if colors is not None else "minisblack",
            colormap=colors,
            compression="zlib",
            predictor=False,
            rowsperstrip=STRIP_ROWS,
            byteorder="<",
            **kind,
        )


def _imagej_arguments(facts: FileFacts) -> dict[str, Any]:
    """ImageJ's kind: pixels per µm, and words under Image > Show Info."""
    metadata: dict[str, Any] = {"axes": "YX", "Info": facts.info}
    arguments: dict[str, Any] = {"imagej": True, "metadata": metadata, "resolutionunit": _NO_UNIT}
    if facts.pixel_size_nm is not None:
        metadata["unit"] = "um"
        arguments["resolution"] = (_NM_PER_UM / facts.pixel_size_nm,) * 2
    return arguments


def _wide_arguments(facts: FileFacts) -> dict[str, Any]:
    """ImageJ's kind for 32-bit integers, which ImageJ opens and tifffile does not write as such: the same tags."""
    import tifffile

    arguments = _imagej_arguments(facts)
    lines = ["ImageJ=1.11a", "images=1", *(["unit=um"] if facts.pixel_size_nm is not None else []), "loop=false", ""]
    arguments |= {
        "imagej": False,
        "metadata": None,
        "description": "\n".join(lines),
        "extratags": tifffile.imagej_metadata_tag({"Info": facts.info}, "<"),
    }
    return arguments


def _plain_arguments(facts: FileFacts) -> dict[str, Any]:
    """A BigTIFF; its description takes ASCII only."""
    text = facts.info.encode("ascii", "replace").decode()
    return {
        "bigtiff": True,
        "metadata": None,
        "description": text,
        "software": f"Cristae {__version__}",
        **resolution_tags(facts.pixel_size_nm),
    }


def _shape(labels_yx: NDArray[np.uint8]) -> tuple[int, int]:
    return labels_yx.shape[0], labels_yx.shape[1]
