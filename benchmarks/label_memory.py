"""Peak memory of reading large label files, each in a process of its own.

Example: ``python -m benchmarks.label_memory --edge 16384``
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from core.label_scheme import DEFAULT_SCHEME

_TILE: Final = (256, 256)


def drawn(edge: int) -> NDArray[np.uint8]:
    """Discs of the classes, as organelles lie: uint8, shape (edge, edge)."""
    rows, columns = np.ogrid[:2048, :2048]
    piece = np.zeros((2048, 2048), np.uint8)
    random = np.random.default_rng(5)
    for _ in range(120):
        row, column, radius = random.integers(0, 2048), random.integers(0, 2048), random.integers(20, 140)
        piece[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = random.integers(1, 6)
    times = -(-edge // 2048)
    return np.tile(piece, (times, times))[:edge, :edge]


def _palette_png(path: Path, labels: NDArray[np.uint8]) -> None:
    from core.labels.files import FileFacts, write_label_png

    write_label_png(path, labels, FileFacts(pixel_size_nm=8.0, scheme=DEFAULT_SCHEME))


def _painted(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    colors = np.array([(0, 0, 0), *(item.rgb() for item in DEFAULT_SCHEME.classes)], np.uint8)
    return colors[labels]


def _nifti(path: Path, labels: NDArray[np.uint8]) -> None:
    import nibabel

    nibabel.save(nibabel.Nifti1Image(labels.T[..., None], np.diag([8e-6, 8e-6, 8e-6, 1.0])), path)


def _tiff(**options: Any) -> Callable[[Path, NDArray[Any]], None]:
    return lambda path, labels: tifffile.imwrite(path, labels, **options)


KINDS: Final[dict[str, tuple[str, Callable[[Path, NDArray[np.uint8]], None]]]] = {
    "uint8 TIFF, Deflate strips": ("image.tif", _tiff(compression="zlib", rowsperstrip=512)),
    "uint8 TIFF, not compressed": ("image.tif", _tiff()),
    "uint16 TIFF, LZW tiles": ("image.tif", lambda p, a: _tiff(compression="lzw", tile=_TILE)(p, a.astype(np.uint16))),
    "int32 TIFF, Deflate tiles": (
        "image.tif", lambda p, a: _tiff(compression="zlib", tile=_TILE)(p, a.astype(np.int32)),
    ),
    "float32 TIFF, ZSTD strips": (
        "image.tif", lambda p, a: _tiff(compression="zstd", rowsperstrip=256)(p, a.astype(np.float32)),
    ),
    "grey PNG": ("image.png", lambda p, a: p.write_bytes(imagecodecs.png_encode(a)) and None),
    "palette PNG": ("image.png", _palette_png),
    "NIfTI": ("image.nii", _nifti),
    "NIfTI, gzip": ("image.nii.gz", _nifti),
    "mask, TIFF, Deflate": (
        "masks.tif", lambda p, a: _tiff(compression="zlib", rowsperstrip=512)(p, (a == 1) * np.uint8(255)),
    ),
    "mask of object ids, uint16": (
        "masks.tif", lambda p, a: _tiff(compression="zlib", tile=_TILE)(p, a.astype(np.uint16) * np.uint16(90)),
    ),
    "RGB TIFF, Deflate tiles": (
        "colours.tif", lambda p, a: _tiff(compression="zlib", tile=_TILE, photometric="rgb")(p, _painted(a)),
    ),
    "RGB PNG": ("colours.png", lambda p, a: p.write_bytes(imagecodecs.png_encode(_painted(a))) and None),
}  # fmt: skip
"""Kind of file to its name, which begins with how it is read, and how it is written."""


def read(path: Path, edge: int) -> None:
    """Read one as an import does, and print the peak and the seconds. The process does nothing else."""
    from core.labels.importing import read_label_image, read_masks, read_rgb_labels

    shape = (edge, edge)
    before = _peak_bytes()
    since = time.perf_counter()
    if path.name.startswith("masks"):
        found = read_masks({1: path}, DEFAULT_SCHEME, shape)
    elif path.name.startswith("colours"):
        found = read_rgb_labels(path, DEFAULT_SCHEME, shape)
    else:
        found = read_label_image(path, DEFAULT_SCHEME, shape)
    seconds = time.perf_counter() - since
    assert found.labels_yx.shape == shape
    print(f"{(_peak_bytes() - before) / 1e6:.0f} {seconds:.1f}")


def _peak_bytes() -> int:
    """Most memory that this process ever held; Linux keeps it, elsewhere it may include that of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text("ascii").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Write each kind, read it, print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.label_memory", description=__doc__)
    parser.add_argument("--edge", type=int, default=16_384)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    given = parser.parse_args()
    if given.read:
        read(given.read, given.edge)
        return
    labels = drawn(given.edge)
    print(f"{'kind':30} {'file, MB':>9} {'peak, MB':>9} {'s':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for kind, (name, write) in KINDS.items():
            if given.only not in kind:
                continue
            path = Path(folder) / name
            write(path, labels)
            words = [sys.executable, "-m", "benchmarks.label_memory", "--read", str(path), "--edge", str(given.edge)]
            answer = subprocess.run(words, capture_output=True, text=True, check=False)
            told = answer.stdout.split() or ["-", answer.stderr.strip().splitlines()[-1]]
            print(f"{kind:30} {path.stat().st_size / 1e6:9.1f} {told[0]:>9} {told[1]:>6}", flush=True)
            path.unlink()


if __name__ == "__main__":
    main()
