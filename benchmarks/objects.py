"""Measuring objects beside scikit-image, in one run on the same label maps.

    python -m benchmarks.objects                 # phantoms of 2048 x 2048
    python -m benchmarks.objects --size 4096 --images 2

scikit-image's ``regionprops_table`` works out area, centre, box, axes and Crofton perimeter of every object, SciPy's
distance transform the distance to every other class; Cristae does both and the contacts. Wall and CPU seconds of the
quickest of several times, the ratio, and the largest difference of any figure.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.metrics import timed  # noqa: E402
from core.label_scheme import DEFAULT_SCHEME  # noqa: E402
from core.labels.numbering import number_objects  # noqa: E402
from core.morphometry.objects import ObjectTable, measure_objects  # noqa: E402
from core.phantom import generate_phantom  # noqa: E402

PIXEL_NM: Final = 8.0
PROPERTIES: Final = ("area", "centroid", "bbox", "inertia_tensor_eigvals", "perimeter_crofton")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=2048, help="edge of the label maps in pixels")
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else "")
    for seed in range(options.images):
        labels_yx = generate_phantom(seed, options.size, pixel_size_nm=PIXEL_NM).labels_yx
        known, known_s, known_cpu_s = quickest(lambda labels=labels_yx: reference(labels), options.repeats)
        ours, ours_s, ours_cpu_s = quickest(
            lambda labels=labels_yx: measure_objects(labels, DEFAULT_SCHEME, PIXEL_NM), options.repeats
        )
        print(f"\nseed {seed}: {labels_yx.shape[0]} x {labels_yx.shape[1]} px, {len(ours)} objects")
        print(f"scikit-image and SciPy  {known_s:7.2f} s  {known_cpu_s:7.2f} s of CPU")
        print(
            f"Cristae                 {ours_s:7.2f} s  {ours_cpu_s:7.2f} s of CPU  {ours_s / known_s:.0%} of the time"
        )
        for name, difference in agreement(known, ours).items():
            print(f"  largest difference in {name}: {difference:.2g}")


def reference(labels_yx: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """The same figures from scikit-image and SciPy."""
    from skimage.measure import regionprops_table

    numbered = number_objects(labels_yx, DEFAULT_SCHEME.ids)
    pieces_yx, class_of = numbered.numbers_yx, numbered.class_of
    found = dict(regionprops_table(pieces_yx.astype(np.int32), properties=PROPERTIES))
    numbers = np.arange(1, len(class_of))
    for position, class_id in enumerate(DEFAULT_SCHEME.ids):
        theirs = labels_yx == class_id
        if theirs.any():
            nearest = np.asarray(ndimage.minimum(ndimage.distance_transform_edt(~theirs), pieces_yx, numbers))
            gaps = np.where(nearest < 1.5, 0, nearest - 1)  # over a corner they touch
            found[f"gap {position}"] = np.where(class_of[1:] == class_id, np.nan, gaps)
    return found


def agreement(known: dict[str, NDArray[Any]], ours: ObjectTable) -> dict[str, float]:
    """Largest difference of each kind of figure, in pixels."""
    axes = [4 * np.sqrt(known[f"inertia_tensor_eigvals-{i}"] + 1 / 12) for i in (0, 1)]
    gaps = [known[name] - ours.gap_px[:, int(name.split()[1])] for name in known if name.startswith("gap")]
    return {
        "area": np.abs(known["area"] - ours.area_px).max(),
        "centre": max(np.abs(known["centroid-0"] - ours.row).max(), np.abs(known["centroid-1"] - ours.column).max()),
        "axes": max(np.abs(axes[0] - ours.major_px).max(), np.abs(axes[1] - ours.minor_px).max()),
        "perimeter": np.abs(known["perimeter_crofton"] - ours.perimeter_px).max(),
        "distance": max(float(np.nanmax(np.abs(each))) for each in gaps),
    }


def quickest(work: Callable[[], Any], repeats: int) -> tuple[Any, float, float]:
    """The result, and wall and CPU seconds of the quickest time."""
    return min((timed(work) for _ in range(repeats)), key=lambda each: each[1:])


if __name__ == "__main__":
    main()
