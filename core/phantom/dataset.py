"""A dataset folder of phantoms, ready for training and for tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import tifffile
from PIL import Image as PillowImage

from core.errors import DatasetError
from core.files import replacing, write_json
from core.label_scheme import DEFAULT_SCHEME
from core.phantom.phantom import check_phantom, generate_phantom

DEFAULT_TEST_SHARE: Final = 0.25

DESCRIPTION: Final = "Synthetic liver micrographs (phantoms); no real tissue."


def write_phantom_dataset(
    out: Path,
    count: int,
    size_px: int | tuple[int, int] = 1024,
    seed: int = 0,
    *,
    pixel_size_nm: float = 8.0,
    test_count: int | None = None,
    touching: float = 0.0,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write phantoms as a dataset folder: images/, labels/, objects/ (ids, uint32) and dataset.json.

    Phantom ``i`` has seed ``seed + i``, and consecutive seeds together hold the class areas of human liver; the test
    images are spread evenly over them. The folder appears when all of it is written.

    Parameters
    ----------
    out
        The new folder; it may exist if it is empty.
    count
        Number of images, 1 or more.
    size_px, pixel_size_nm
        As in `generate_phantom`.
    seed
        Of the first phantom.
    test_count
        Number of test images; a quarter of ``count`` (rounded down) where None.
    touching
        As in `generate_phantom`.
    on_progress
        Called with (done, count) after each image.

    Raises
    ------
    DatasetError
        ``count`` or ``test_count`` is out of range, or the folder holds something.
    ImageError
        As in `generate_phantom`.
    StorageFullError
        No space is left, or the folder cannot be written.
    """
    tests = int(count * DEFAULT_TEST_SHARE) if test_count is None else test_count
    if count < 1 or not 0 <= tests < count:
        raise DatasetError(
            f"{count} phantoms with {tests} test images were requested.",
            "Request at least one image, and keep at least one for training.",
        )
    check_phantom(seed, size_px, pixel_size_nm, touching)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError(f"{out} exists already and is not an empty folder.", "Name a new folder.")
    digits = max(3, len(str(count - 1)))
    names = [f"phantom_{i:0{digits}d}" for i in range(count)]
    held_out = {names[(2 * k + 1) * count // (2 * tests)] for k in range(tests)}
    with replacing(out) as folder:
        for part in ("images", "labels", "objects"):
            (folder / part).mkdir(parents=True)
        for number, name in enumerate(names):
            phantom = generate_phantom(seed + number, size_px, pixel_size_nm=pixel_size_nm, touching=touching)
            PillowImage.fromarray(phantom.image_yx).save(folder / "images" / f"{name}.png")
            PillowImage.fromarray(phantom.labels_yx).save(folder / "labels" / f"{name}.png")
            tifffile.imwrite(folder / "objects" / f"{name}.tif", phantom.objects_yx, compression="zlib")
            if on_progress is not None:
                on_progress(number + 1, count)
        write_json(
            folder / "dataset.json",
            {
                "description": DESCRIPTION,
                "seed": seed,
                "pixel_size_nm": pixel_size_nm,
                "labels": {"background": 0} | {c.name: c.id for c in DEFAULT_SCHEME.classes},
                "groups": {name: name for name in names},  # each a piece of tissue of its own
                "train": [n for n in names if n not in held_out],
                "test": [n for n in names if n in held_out],
            },
        )
