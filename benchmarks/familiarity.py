"""How well the verdict tells unseen images of a model's own kind from images of other tissue or microscopes.

    python -m benchmarks.familiarity --data ../shared/data --model vnc=models/vnc --model neuroproof_fibsem=models/neuro

Each model is named with the folder of its training images below --data. Its statistics are those of its card, or, where
it has none, learned from the training images. Own: the test images of that folder. Foreign: the images of all other
folders. Nothing of them is used for the statistics or for the threshold. "AUC" is the area under the ROC curve of the
score; "flagged" counts images that are *probably never seen*.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.datasets.folder import open_dataset
from core.datasets.loading import load_image
from core.errors import CristaeError
from core.familiarity.alterations import ALTERATIONS, altered
from core.familiarity.looks import KnownLooks, SampledImage
from core.imaging.image import Image
from core.models.store import open_model
from core.segmentation.array_sink import ArraySink
from core.segmentation.predictor import Predictor
from core.segmentation.window_sample import WindowSample

SETS: Final = ("vnc", "neuroproof_fibsem", "sem_nerve", "wsu_chloroplast")
SIDE: Final = 1024
"""Of the middle part of each image that is looked at, in pixels at the model's size."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {', '.join(SETS)}")
    parser.add_argument("--model", action="append", required=True, metavar="SET=FOLDER")
    parser.add_argument("--most", type=int, default=6, help="images of each foreign set (default: %(default)d)")
    options = parser.parse_args()
    print("| model | own images | farthest | foreign images | nearest | AUC | own flagged | foreign flagged |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for text in options.model:
        name, _, folder = text.partition("=")
        print(_row(name, Path(folder), options.data, options.most), flush=True)


def _row(name: str, folder: Path, data: Path, most: int) -> str:
    """One model."""
    predictor = Predictor(open_model(folder))
    looks = predictor.model.card.looks
    if not looks.known:
        looks = _learned(predictor, data / name)
    own = [looks.score(found) for found in _features(predictor, data / name, ("test",), most) if len(found)]
    others = [one for one in SETS if one != name]
    splits = ("train", "test", "pool")
    foreign = [
        looks.score(found) for one in others for found in _features(predictor, data / one, splits, most) if len(found)
    ]
    apart = np.array([[(a < b) + 0.5 * (a == b) for b in foreign] for a in own]).mean()
    return (
        f"| {name} | {len(own)} | {max(own):.2f} | {len(foreign)} | {min(foreign):.2f} | {apart:.3f} | "
        f"{sum(score >= looks.unseen for score in own)} | {sum(score >= looks.unseen for score in foreign)} |"
    )


def _features(predictor: Predictor, folder: Path, splits: tuple[str, ...], most: int) -> list[NDArray[np.float64]]:
    """Of the windows of each image; images that the model refuses are left out."""
    cases = [case for case in open_dataset(folder).cases if str(case.split) in splits]
    places = np.linspace(0, len(cases) - 1, min(most, len(cases))).astype(int)
    return [_sampled(predictor, load_image(cases[place])) for place in places]


def _sampled(predictor: Predictor, image: Image) -> NDArray[np.float64]:
    image_nm, model_nm = image.pixel_size.nm, predictor.model.pixel_size_nm
    side = SIDE if image_nm is None or model_nm is None else round(SIDE * model_nm / image_nm)
    rows, columns = (slice(max((length - side) // 2, 0), max((length - side) // 2, 0) + side) for length in image.shape)
    part = Image(np.ascontiguousarray(image.pixels_yx[rows, columns]), image.pixel_size, image.name)
    kept: list[WindowSample] = []
    try:
        predictor.predict(part, ArraySink(part.shape), step=0.75, take_sample=kept.append)
    except CristaeError:
        return np.empty((0, 0))
    return kept[0].features()


def _learned(predictor: Predictor, folder: Path) -> KnownLooks:
    """Statistics of the training images, and a threshold from altered ones."""
    own = [SampledImage(found) for found in _features(predictor, folder, ("train",), 24)]
    first = load_image(next(case for case in open_dataset(folder).cases if str(case.split) == "train"))
    far = [_sampled(predictor, Image(altered(first.pixels_yx, name), first.pixel_size, "")) for name in ALTERATIONS]
    return KnownLooks.learned(own, far)


if __name__ == "__main__":
    main()
