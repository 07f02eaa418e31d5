"""Questions "one or two?": which wrong merges and splits they ask about, and how often intervals of counts are right.

    python -m benchmarks.separation --data ../shared/data --iterations 200 --seed 0 --work WORK
    python -m benchmarks.questions --work WORK --sets phantoms neuroproof --way seams

Uses the datasets and models of the first command. Test images are predicted, cleaned and separated as the product does
it. A wrong merge is a predicted object that holds half or more of two or more true ones; it is asked about if a
question lies in it. A wrong split is a true object of which two or more predicted ones hold a fifth each; it is asked
about if a question is about two of these. Odds are the guess, or learned from the other test images (leaving out the
one that is asked about). "Right answers" is the number of objects that would be counted if each question had its true
answer.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmarks.separation import PART_OF_MERGE, PART_OF_SPLIT, true_objects
from core.datasets.folder import load_case, open_dataset
from core.imaging.object_pyramid import ObjectIds
from core.models.store import StoredModel, open_model
from core.morphometry.doubts import count_interval
from core.objects.asking import Place, find_places, find_questions
from core.objects.cleaning import cleaned
from core.objects.odds import GUESS, Odds, learned_odds
from core.objects.questions import Questions
from core.objects.separating import object_ids
from core.segmentation.array_sink import ArraySink
from core.segmentation.parting import PartingRows
from core.segmentation.predictor import Predictor
from core.segmentation.resampling import taken_pixel_size
from core.training.question_odds import is_two

MODES: Final = ("guess", "learned")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder of benchmarks.separation")
    parser.add_argument("--sets", nargs="+", default=["phantoms", "neuroproof"])
    parser.add_argument("--way", default="seams")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(
        "| images | odds | questions an image | true | found | merges asked | splits asked | interval holds right "
        "answers | interval holds true number | mean width |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    for name in options.sets:
        model = open_model(options.work / "models" / f"{name}-{options.way}-{options.seed}")
        images = [_Image(*found) for found in _predicted(options.work / "data" / name, model)]
        for mode in MODES:
            print(_row(name, mode, images), flush=True)


@dataclass(frozen=True, slots=True, eq=False)
class _Image:
    """A test image: prediction, its objects, what parts them, and the true objects."""

    labels_yx: NDArray[np.uint8]
    objects: ObjectIds
    parting: PartingRows
    least_px: NDArray[np.float64]
    true_yx: NDArray[np.int64]
    reference_yx: NDArray[np.uint8]

    @property
    def places(self) -> list[Place]:
        """All of them, doubtful or not."""
        return list(find_places(self.labels_yx, self.objects, self.parting, self.least_px, {1: GUESS}))

    def told(self) -> list[tuple[tuple[float, float], bool]]:
        """What was measured at the places, and whether they are two, where the reference says."""
        answers = [
            (each.measured, is_two(each, self.objects.ids_yx, self.true_yx, self.reference_yx)) for each in self.places
        ]
        return [(measured, two) for measured, two in answers if two is not None]


def _predicted(dataset: Path, model: StoredModel) -> list[tuple[object, ...]]:
    predictor, found = Predictor(model, threads=2), []
    for case in open_dataset(dataset).cases:
        if case.split != "test":
            continue
        image, reference_yx = load_case(case)
        sink, parting = ArraySink(image.shape), list[PartingRows]()
        predictor.predict(image, sink, take_parting=parting.append)
        limits = model.card.object_rules.limits(taken_pixel_size(image.pixel_size.nm, model.pixel_size_nm))
        labels_yx, _ = cleaned(sink.labels_yx, limits)
        objects = object_ids(labels_yx, parting[0], model.card.separation, limits)
        least = model.card.separation.least_seed * limits.smallest
        found.append((labels_yx, objects, parting[0], least, true_objects(case, reference_yx), reference_yx))
    return found


def _row(name: str, mode: str, images: Sequence[_Image]) -> str:
    asked = true = found = merges = merges_asked = splits = splits_asked = holds = holds_true = 0
    width = 0.0
    told = [image.told() for image in images]
    for number, image in enumerate(images):
        odds: Odds = GUESS
        if mode == "learned":
            others = [item for other, items in enumerate(told) if other != number for item in items]
            odds = learned_odds([measured for measured, _ in others], [two for _, two in others]) or GUESS
        questions = find_questions(
            image.labels_yx, image.objects, image.parting, image.least_px, {1: odds}, guessed=mode == "guess"
        )
        asked += questions.asked
        true_count, found_count = len(np.unique(image.true_yx)) - 1, int(image.objects.ids_yx.max())
        true, found = true + true_count, found + found_count
        merged, split = _wrong(image)
        halves = set(questions.ids[~questions.two, 0].tolist())
        pairs = [set(ids) for ids in questions.ids[questions.two].tolist()]
        merges, merges_asked = merges + len(merged), merges_asked + sum(each in halves for each in merged)
        splits, splits_asked = splits + len(split), splits_asked + sum(any(p <= each for p in pairs) for each in split)
        interval = count_interval(found_count, questions.doubts().changes())
        low, high = (found_count, found_count) if interval is None else (interval.low, interval.high)
        right = found_count + _right_changes(image, questions)
        holds, holds_true = holds + (low <= right <= high), holds_true + (low <= true_count <= high)
        width += high - low
    count = len(images)
    return (
        f"| {name} | {mode} | {asked / count:.1f} | {true} | {found} | {merges_asked} of {merges} | "
        f"{splits_asked} of {splits} | "
        f"{holds} of {count} | {holds_true} of {count} | {width / count:.1f} |"
    )


def _wrong(image: _Image) -> tuple[list[int], list[set[int]]]:
    """Predicted objects that are several, and the predicted objects of true ones that were split."""
    true, found = image.true_yx.ravel(), image.objects.ids_yx.ravel().astype(np.int64)
    true_px = np.bincount(true)
    pairs, shared = np.unique(np.stack([true, found]), axis=1, return_counts=True)
    inside = (pairs[0] > 0) & (pairs[1] > 0)
    one, other, part = pairs[0][inside], pairs[1][inside], shared[inside] / true_px[pairs[0][inside]]
    merged = np.flatnonzero(np.bincount(other[part >= PART_OF_MERGE], minlength=1) > 1).tolist()
    split = [
        set(other[(one == number) & (part >= PART_OF_SPLIT)].tolist())
        for number in np.flatnonzero(np.bincount(one[part >= PART_OF_SPLIT], minlength=1) > 1)
    ]
    return merged, split


def _right_changes(image: _Image, questions: Questions) -> int:
    """By how much the true answers of the places that are in doubt change the count."""
    wanted = {
        (two, *ids, *box)
        for two, ids, box in zip(questions.two.tolist(), questions.ids.tolist(), questions.box.tolist(), strict=True)
    }
    count = int(image.objects.ids_yx.max()) + 1
    joined, more = [(0, 0)], 0
    for place in image.places:
        rows, columns = place.box
        if (place.two, *place.ids, rows.start, columns.start, rows.stop, columns.stop) in wanted:
            two = is_two(place, image.objects.ids_yx, image.true_yx, image.reference_yx)
            more += two is True and not place.two
            if two is False and place.two:
                joined.append(place.ids)
    one, other = np.array(joined).T
    groups, _ = connected_components(coo_array((np.ones(len(one), bool), (one, other)), shape=(count, count)))
    return more - (count - int(groups))


if __name__ == "__main__":
    main()
