"""Ways to tell touching objects of a class apart, trained alike and scored on images that they did not see.

    python -m benchmarks.separation --data ../shared/data --iterations 200 --seed 0

Each way is a training of the preset ``compact`` from scratch, with the same number of iterations: *none* (classes
alone; connected pieces are objects), *seams* and *rims* (`core.objects.contacts`). *necks* splits the pieces of *none*
at narrow places, with the depth that is learned from the training labels: the fallback for imported models.

phantoms: synthetic, mitochondria of which half have another one pressed against them. neuroproof: neurons, which touch
everywhere. wsu: chloroplasts, whose labels do not touch. vnc: mitochondria, without ids. The last two show what a way
spoils where there is nothing to part: there connected pieces of the labels are the objects.

All predictions are cleaned by the rules that the training learned. A predicted and a true object match where their IoU
is above .5. Split: a true object of which two or more predicted ones hold a fifth each. Merged: a predicted object that
holds half or more of two or more true ones. Times are processor time, so that a busy machine changes them little.
"slower" is what cleaning and separation, on one core, add to a prediction that keeps both cores busy.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image as PillowImage

from core.datasets.folder import Case, load_case, load_objects, open_dataset
from core.models.store import StoredModel, open_model
from core.objects.cleaning import cleaned
from core.objects.necks import learned_depths, neck_parting
from core.objects.separating import separated
from core.objects.separation import SeparationWay
from core.objects.window import connected
from core.phantom import write_phantom_dataset
from core.segmentation.array_sink import ArraySink
from core.segmentation.parting import PartingRows
from core.segmentation.predictor import Predictor
from core.segmentation.resampling import taken_pixel_size
from core.training.presets import Preset
from core.training.request import TrainRequest
from core.training.train import train

SETS: Final = ("phantoms", "neuroproof", "wsu", "vnc")
WAYS: Final = (SeparationWay.NONE, SeparationWay.SEAMS, SeparationWay.RIMS)
PART_OF_SPLIT, PART_OF_MERGE = 0.2, 0.5
THREADS: Final = 2
"""Of a prediction."""

Masks = Callable[[NDArray[np.uint8], PartingRows | None], NDArray[np.bool_]]


def main() -> None:
    """Train what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with neuroproof_fibsem, wsu_chloroplast, vnc")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--ways", nargs="+", choices=[str(way) for way in WAYS], default=[str(way) for way in WAYS])
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", type=Path, help="keep datasets and models here, and use those that are there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cristae-separation-") as scratch:
        work = options.work or Path(scratch)
        lines = [line for name in options.sets for line in _compared(name, options, work)]
    print(
        "\n| images | way | PQ | true | found | split | merged | false an image | Dice | s/Mpx to predict | "
        "ms/Mpx to clean and separate | slower |"
        "\n|---|---|---|---|---|---|---|---|---|---|---|---|"
    )
    print("\n".join(lines))


def _compared(name: str, options: argparse.Namespace, work: Path) -> Iterator[str]:
    """Rows of the table for one set of images."""
    dataset = work / "data" / name
    if not dataset.exists():
        MAKERS[name](dataset, options)
    for way in map(SeparationWay, options.ways):
        model = _trained(dataset, way, options, work / "models" / f"{name}-{way}-{options.seed}")
        if way is not SeparationWay.NONE and not model.card.separation.learned:
            yield f"| {name} | {way} | nothing to learn: no two objects touch | | | | | | | | | |"
            continue
        yield _row(name, str(way), _scored(dataset, model, _found_by_network))
        if way is SeparationWay.NONE:
            depths = learned_depths(_label_maps(dataset), model.scheme.ids)
            by_necks = _scored(dataset, model, lambda labels, parting, depths=depths: neck_parting(labels, depths))
            yield _row(name, f"necks, depth {depths.get(1, float('nan')):.1f}", by_necks)


def _trained(dataset: Path, way: SeparationWay, options: argparse.Namespace, out: Path) -> StoredModel:
    if out.exists():
        return open_model(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    request = TrainRequest(
        dataset=dataset, preset=Preset.COMPACT, out=out, epochs=4, iterations_per_epoch=options.iterations // 4,
        seed=options.seed, threads=options.threads, patience=0, separation=way, device="cpu",
    )  # fmt: skip
    model = train(request)
    print(f"{out.name}: {model.card.training.computing_s:.0f} s of computing", flush=True)
    return model


@dataclass(slots=True)
class Score:
    """Counts over the test images."""

    matched: int = 0
    iou: float = 0.0
    true: int = 0
    found: int = 0
    split: int = 0
    merged: int = 0
    both_px: int = 0
    sum_px: int = 0
    images: int = 0
    megapixels: float = 0.0
    predict_s: float = 0.0
    separate_s: float = 0.0
    names: list[str] = field(default_factory=list)


def _found_by_network(labels_yx: NDArray[np.uint8], parting: PartingRows | None) -> NDArray[np.bool_]:
    return np.zeros(labels_yx.shape, bool) if parting is None else parting.whole()


def _scored(dataset: Path, model: StoredModel, parting_of: Masks) -> Score:
    """Predict, clean, separate and compare the test images; class 1 alone."""
    predictor, score = Predictor(model, threads=THREADS), Score()
    for case in open_dataset(dataset).cases:
        if case.split != "test":
            continue
        image, reference_yx = load_case(case)
        sink, parting = ArraySink(image.shape), list[PartingRows]()
        began_s = time.process_time()
        predictor.predict(image, sink, take_parting=parting.append)
        score.predict_s += time.process_time() - began_s
        limits = model.card.object_rules.limits(taken_pixel_size(image.pixel_size.nm, model.pixel_size_nm))
        began_s = time.process_time()
        labels_yx, _ = cleaned(sink.labels_yx, limits)
        mask = parting_of(labels_yx, parting[0] if parting else None)
        least = model.card.separation.least_seed * limits.smallest
        ids = separated(labels_yx, mask, (1,), least).ids_yx
        score.separate_s += time.process_time() - began_s
        _count(score, true_objects(case, reference_yx), ids)
        both = (reference_yx == 1) & (labels_yx == 1)
        score.both_px += int(both.sum())
        score.sum_px += int((reference_yx == 1).sum() + (labels_yx == 1).sum())
        score.images += 1
        score.megapixels += labels_yx.size / 1e6
    return score


def true_objects(case: Case, reference_yx: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Objects of class 1 by their ids; without ids connected pieces."""
    own = reference_yx == 1
    pieces = connected(own.astype(np.uint8), 8)[0].astype(np.int64)
    ids = load_objects(case, (reference_yx.shape[0], reference_yx.shape[1]))
    known = own & (ids != 0) if ids is not None else np.zeros_like(own)
    numbers = np.where(known, (0 if ids is None else ids.astype(np.int64)) + pieces.max() + 1, pieces)
    return np.unique(np.where(own, numbers, 0), return_inverse=True)[1].reshape(own.shape).astype(np.int64)


def _count(score: Score, true_yx: NDArray[np.int64], found_yx: NDArray[np.uint32]) -> None:
    """Add one image."""
    true_px, found_px = np.bincount(true_yx.ravel()), np.bincount(found_yx.ravel())
    true_px[0] = found_px[0] = 0
    pairs, shared = np.unique(np.stack([true_yx.ravel(), found_yx.ravel()]), axis=1, return_counts=True)
    inside = (pairs[0] > 0) & (pairs[1] > 0)
    true, found, shared = pairs[0][inside], pairs[1][inside], shared[inside]
    iou = shared / (true_px[true] + found_px[found] - shared)
    score.matched += int((iou > 0.5).sum())
    score.iou += float(iou[iou > 0.5].sum())
    score.true += int(np.count_nonzero(true_px))
    score.found += int(np.count_nonzero(found_px))
    part = shared / true_px[true]
    score.split += int((np.bincount(true[part >= PART_OF_SPLIT]) > 1).sum())
    score.merged += int((np.bincount(found[part >= PART_OF_MERGE]) > 1).sum())


def _row(name: str, way: str, score: Score) -> str:
    wrong = score.found - score.matched
    quality = score.iou / (score.matched + (wrong + score.true - score.matched) / 2)
    return (
        f"| {name} | {way} | {quality:.3f} | {score.true} | {score.found} | {score.split} | {score.merged} | "
        f"{wrong / score.images:.1f} | {2 * score.both_px / score.sum_px:.3f} | "
        f"{score.predict_s / score.megapixels:.2f} | {1000 * score.separate_s / score.megapixels:.0f} | "
        f"{100 * score.separate_s * THREADS / score.predict_s:.1f} % |"
    )


def _label_maps(dataset: Path) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint32] | None]]:
    for case in open_dataset(dataset).cases:
        if case.split == "train":
            image, labels_yx = load_case(case)
            yield labels_yx, load_objects(case, image.shape)


def _make_phantoms(out: Path, options: argparse.Namespace) -> None:
    """Twelve fields of 16 µm at 16 nm, three of them for tests; mitochondria alone."""
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "phantoms"
        write_phantom_dataset(whole, 12, 1024, 100 + options.seed, pixel_size_nm=16, touching=0.5)
        _copied(whole, out, "objects", {"background": 0, "mitochondria": 1}, lambda labels, ids: labels == 1)


def _make_neuroproof(out: Path, options: argparse.Namespace) -> None:
    labels = {"background": 0, "neuron": 1}
    _copied(options.data / "neuroproof_fibsem", out, "instances", labels, lambda labels, ids: ids > 0)


def _make_wsu(out: Path, options: argparse.Namespace) -> None:
    labels = {"background": 0, "chloroplast": 1}
    _copied(options.data / "wsu_chloroplast", out, "instances", labels, lambda labels, ids: labels == 1)


def _make_vnc(out: Path, options: argparse.Namespace) -> None:
    """Mitochondria first; all other classes as they are."""
    source = options.data / "vnc"
    described = json.loads((source / "dataset.json").read_text(encoding="utf-8"))
    own = described["labels"]["mitochondria"]
    swap = np.arange(256, dtype=np.uint8)
    swap[own], swap[1] = 1, own
    shutil.copytree(source / "images", out / "images")
    (out / "labels").mkdir()
    for path in (source / "labels").iterdir():
        PillowImage.fromarray(swap[np.asarray(PillowImage.open(path))]).save(out / "labels" / path.name)
    described["labels"] = {name: int(swap[value]) for name, value in described["labels"].items()}
    (out / "dataset.json").write_text(json.dumps(described), encoding="utf-8")


def _copied(
    source: Path, out: Path, ids_folder: str, labels: dict[str, int], choose: Callable[[Any, Any], NDArray[np.bool_]]
) -> None:
    """A dataset folder of one class with ids."""
    described = json.loads((source / "dataset.json").read_text(encoding="utf-8"))
    for part in ("images", "labels", "objects"):
        (out / part).mkdir(parents=True)
    names = [*described["train"], *described["test"]]
    for name in names:
        image = next((source / "images").glob(f"{name}.*"))
        shutil.copy(image, out / "images")
        label_map = np.asarray(PillowImage.open(next((source / "labels").glob(f"{name}.*"))))
        file = next((source / ids_folder).glob(f"{name}.*"))
        ids = (tifffile.imread(file) if file.suffix == ".tif" else np.asarray(PillowImage.open(file))).astype(np.uint32)
        own = choose(label_map, ids)
        PillowImage.fromarray(own.astype(np.uint8)).save(out / "labels" / f"{name}.png")
        tifffile.imwrite(out / "objects" / f"{name}.tif", np.where(own, ids, 0).astype(np.uint32), compression="zlib")
    kept = {"pixel_size_nm": described.get("pixel_size_nm"), "train": described["train"], "test": described["test"]}
    groups = {name: group for name, group in described.get("groups", {}).items() if name in names}
    (out / "dataset.json").write_text(json.dumps({"labels": labels, "groups": groups, **kept}), encoding="utf-8")


MAKERS: Final = {
    "phantoms": _make_phantoms,
    "neuroproof": _make_neuroproof,
    "wsu": _make_wsu,
    "vnc": _make_vnc,
}


if __name__ == "__main__":
    main()
