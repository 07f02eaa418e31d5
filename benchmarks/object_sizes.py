"""What cleaning by the learned smallest objects does to objects and to pixels, against labels of people.

    python -m benchmarks.object_sizes --dataset DATASET --model MODEL

Segments the test images of a dataset as `segment` does, with and without cleaning, and compares both with the labels:
Dice, panoptic quality and its parts (objects matched at an IoU above .5, every piece of the labels counts), false
objects an image, and the bias of what a table of objects says: number, mean and median area, mean circularity, mean
distance to the other classes. Means are over the images pooled.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.cli.model import find_model
from core.datasets.folder import load_case, open_dataset
from core.evaluation.instances import InstanceCounts, measure_instances, panoptic_quality, segmentation_quality
from core.evaluation.label_pair import LabelPair
from core.evaluation.settings import EvaluationSettings
from core.label_scheme import LabelScheme
from core.labels.translation import match_classes
from core.models.store import StoredModel
from core.morphometry.objects import ObjectTable, measure_objects
from core.objects.report import clean_prediction
from core.segmentation.array_sink import ArraySink
from core.segmentation.predictor import Predictor
from core.segmentation.resampling import taken_pixel_size


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One test image: what people labelled, what the network found, and that cleaned."""

    reference_yx: NDArray[np.uint8]
    raw_yx: NDArray[np.uint8]
    cleaned_yx: NDArray[np.uint8]
    pixel_size_nm: float | None


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--split", default="test")
    options = parser.parse_args()
    dataset, model = open_dataset(options.dataset), find_model(options.model)
    cases = list(_cases(options.dataset, model, options.split))
    scheme = dataset.scheme
    _objects(cases, scheme)
    _biases(cases, scheme)


def _cases(path: Path, model: StoredModel, split: str) -> Iterator[Case]:
    dataset = open_dataset(path)
    lookup = match_classes(model.scheme, dataset.scheme).lookup()
    rules = model.card.object_rules.translated(lookup)
    predictor = Predictor(model)
    for case in (case for case in dataset.cases if case.split == split and case.label_path is not None):
        image, reference_yx = load_case(case)
        size_nm = image.pixel_size.nm
        sink = ArraySink(image.shape)
        began_s = time.perf_counter()
        predictor.predict(image, sink)
        predicted_s = time.perf_counter() - began_s
        raw_yx = lookup[sink.labels_yx]
        began_s = time.perf_counter()
        taken_nm = taken_pixel_size(size_nm, model.pixel_size_nm)
        cleaned_yx, _ = clean_prediction(raw_yx, rules, taken_nm, dataset.scheme)
        print(f"{case.name}: predicted in {predicted_s:.2f} s, cleaned in {time.perf_counter() - began_s:.3f} s")
        yield Case(reference_yx, raw_yx, cleaned_yx, size_nm)


def _objects(cases: list[Case], scheme: LabelScheme) -> None:
    print(f"\nn = {len(cases)} images, counts pooled\n")
    print("| class | masks | Dice | PQ | SQ | RQ | objects | of the labels | false an image |")
    print("|---|---|---|---|---|---|---|---|---|")
    for item in scheme.classes:
        for name, masks in (("as predicted", lambda case: case.raw_yx), ("cleaned", lambda case: case.cleaned_yx)):
            counts, dice = _scores(cases, scheme, item.id, masks)
            quality = segmentation_quality(counts)
            pq = panoptic_quality(counts)
            found, known = counts.tp + counts.fp, counts.tp + counts.fn
            print(
                f"| {item.name} | {name} | {dice:.3f} | {pq:.3f} | {quality:.3f} | {pq / quality:.3f} | {found:,} | "
                f"{known:,} | {counts.fp / len(cases):.1f} |"
            )


def _scores(
    cases: list[Case], scheme: LabelScheme, class_id: int, masks: Callable[[Case], NDArray[np.uint8]]
) -> tuple[InstanceCounts, float]:
    counts, both, total = InstanceCounts(0, 0, 0, 0.0), 0, 0
    for case in cases:
        pair = LabelPair(case.reference_yx, masks(case), scheme, EvaluationSettings())
        counts += measure_instances(pair, (class_id,))[class_id]
        at = pair.class_ids.index(class_id)
        both += int(pair.matrix[at, at])
        total += int(pair.matrix[at].sum() + pair.matrix[:, at].sum())
    return counts, 2 * both / total if total else float("nan")


_FIGURES: Final[dict[str, Callable[[NDArray[np.float64], NDArray[np.float64]], float]]] = {
    "number": lambda area, perimeter: float(area.size),
    "mean area": lambda area, perimeter: float(area.mean()),
    "median area": lambda area, perimeter: float(np.median(area)),
    "mean circularity": lambda area, perimeter: float((4 * np.pi * area / perimeter**2).mean()),
}
"""Of areas and perimeters in pixels of all objects."""

_MASKS: Final[dict[str, Callable[[Case], NDArray[np.uint8]]]] = {
    "labels": lambda case: case.reference_yx,
    "as predicted": lambda case: case.raw_yx,
    "cleaned": lambda case: case.cleaned_yx,
}


def _biases(cases: list[Case], scheme: LabelScheme) -> None:
    """Difference to the labels in per cent of what a table of objects says, over all objects that no edge cuts."""
    tables = {
        name: [measure_objects(masks(case), scheme, case.pixel_size_nm) for case in cases]
        for name, masks in _MASKS.items()
    }
    print("\n| class | figure | labels | as predicted | cleaned |\n|---|---|---|---|---|")
    for item in scheme.classes:
        whole = {
            name: [table.where((table.class_id == item.id) & ~table.cut) for table in found]
            for name, found in tables.items()
        }
        for name, figure in _FIGURES.items():
            _row(item.name, name, {kind: figure(*_outlines(found)) for kind, found in whole.items() if any(found)})
        for column, other in enumerate(scheme.classes):
            if other.id != item.id:
                means = {kind: _mean_gap(found, column) for kind, found in whole.items() if any(found)}
                _row(item.name, f"mean distance to {other.name}", means)


def _outlines(tables: list[ObjectTable]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Areas and perimeters of the objects of all images."""
    area = np.concatenate([table.area_px for table in tables]).astype(float)
    return area, np.concatenate([table.perimeter_px for table in tables])


def _mean_gap(tables: list[ObjectTable], column: int) -> float:
    gaps = np.concatenate([table.gap_px[:, column] for table in tables])
    return float(np.nanmean(gaps)) if np.isfinite(gaps).any() else float("nan")


def _row(class_name: str, figure: str, values: dict[str, float]) -> None:
    known = values.get("labels", float("nan"))
    cells = [
        f"{100 * (values[kind] / known - 1):+.1f} %" if kind in values and known > 0 else "–"
        for kind in ("as predicted", "cleaned")
    ]
    print(f"| {class_name} | {figure} | {known:,.4g} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
