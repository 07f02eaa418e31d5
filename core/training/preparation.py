"""From a dataset folder to an nnU-Net dataset: one pixel size, consecutive labels, normalised, split.

Each image becomes one case (very large ones several tiles, normalised as a whole, and as the predictor does it),
written with nnU-Net's own storage. Where nothing else can be held out, an image becomes two cases, each with the
other's region set to ignore. Runs in the training process.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import PredictionError, TrainingError
from core.files import write_json
from core.label_scheme import IGNORE_ID, LabelScheme
from core.objects.separation import UNSEPARATED, Separation, SeparationWay
from core.segmentation.normalization import NormalizationScheme
from core.segmentation.resampling import resample_image, resample_labels, scale_factor
from core.segmentation.tile_source import find_frame
from core.training.object_labels import DROPPED, PartingLabels, objects_in_labels
from core.training.separation_ahead import planned_separation, separation_ahead
from core.training.splits import split_images, validation_region

if TYPE_CHECKING:
    from core.datasets.folder import Case, DatasetFolder

TILE_PX: Final = 4096
"""Larger images are stored as tiles: nnU-Net's bookkeeping needs some 50 bytes a pixel while a case is made."""

FINGERPRINT_SAMPLES: Final = 10_000
"""Foreground pixels per case that nnU-Net's fingerprint looks at."""

SPACING: Final = (999.0, 1.0, 1.0)
"""What nnU-Net's reader of 2D images reports; the real pixel size is in the model's card."""

Report = Callable[[str], None]
"""Called with a sentence for every image."""


@dataclass(slots=True)
class PreparedDataset:
    """What the preparation decided; written to prepared.json so that a resumed training need not repeat it."""

    pixel_size_nm: float | None
    output_ids: list[int]
    scheme: list[dict[str, Any]]
    dataset_name: str
    has_ignore: bool = False
    held_out: bool = True
    training: list[str] = field(default_factory=list)
    validation: list[str] = field(default_factory=list)
    image_of_case: dict[str, str] = field(default_factory=dict)
    snapshot: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    separation: dict[str, Any] = field(default_factory=lambda: Separation().to_json())
    has_unparted: bool = False
    shapes: list[list[int]] = field(default_factory=list)
    intensities: dict[str, float] = field(default_factory=dict)


def target_pixel_size(sizes_nm: list[float | None], wanted_nm: float | None) -> float | None:
    """The pixel size of the training: the wanted one, else the median of the known ones, else None."""
    if wanted_nm is not None:
        return wanted_nm
    known = [size for size in sizes_nm if size is not None]
    return statistics.median(known) if known else None


def network_labels(
    labels_yx: NDArray[np.uint8], scheme: LabelScheme, where: str, *, more: int = 0
) -> NDArray[np.uint8]:
    """Class ids to consecutive network labels 1 to C in the order of the scheme; ignore becomes C + 1 + ``more``.

    Raises
    ------
    TrainingError
        The label map holds a value that the scheme does not know.
    """
    table = np.full(256, 255, dtype=np.uint8)
    for label, class_id in enumerate((0, *scheme.ids)):
        table[class_id] = label
    table[IGNORE_ID] = len(scheme.ids) + 1 + more
    unknown = [int(value) for value in np.unique(labels_yx) if table[value] == 255]
    if unknown:
        raise TrainingError(
            f"The label map of {where} contains the values {unknown}, which are not classes of the dataset.",
            f"Classes are 0 (background), {', '.join(map(str, scheme.ids))} and 255 (ignore).",
        )
    mapped: NDArray[np.uint8] = table[labels_yx]
    return mapped


class Preparation:
    """Writes the cases one by one, then decides the split.

    Parameters
    ----------
    dataset
        As `open_dataset` gives it.
    folder
        nnU-Net's preprocessed folder of the dataset's configuration; made here.
    wanted_nm
        Pixel size of the training; None: the median of the images'.
    dataset_name
        For the model's card.
    normalization
        What the network's plans say; nnU-Net's z-score of whole images by default.
    separation
        How touching objects are told apart where the labels have ids of them.
    inherited
        What the parent has learned of that, in the ids of this dataset; its outputs are kept.
    """

    def __init__(
        self,
        dataset: DatasetFolder,
        folder: Path,
        *,
        wanted_nm: float | None,
        dataset_name: str,
        normalization: NormalizationScheme | None = None,
        separation: SeparationWay = SeparationWay.RIMS,
        inherited: Separation = UNSEPARATED,
    ) -> None:
        self.dataset = dataset
        self.folder = folder
        self.normalization = normalization or NormalizationScheme()
        self.scheme = dataset.scheme
        self.cases = [case for case in dataset.cases if case.split == "train" and case.label_path is not None]
        if not self.cases:
            raise TrainingError(
                "The training split of the dataset has no annotated images.",
                "Add a label map to at least one image and list it under 'train' in dataset.json.",
            )
        self.ignore = len(self.scheme.ids) + 1
        self.separation = Separation(separation)
        self._inherited = inherited
        self.parting = PartingLabels(self.scheme.ids, UNSEPARATED)
        self.result = PreparedDataset(
            pixel_size_nm=target_pixel_size([case.pixel_size_nm for case in self.cases], wanted_nm),
            output_ids=[0, *self.scheme.ids],
            scheme=self.scheme.to_json(),
            dataset_name=dataset_name,
        )
        self.groups: dict[str, str] = {}
        self.reviewed_px: dict[str, int] = {}
        self.counts = np.zeros(256, dtype=np.int64)
        self._samples: list[NDArray[Any]] = []

    def run(self, *, fraction: float, seed: int, report: Report) -> PreparedDataset:
        """Prepare everything.

        Raises
        ------
        TrainingError
            No image has a reviewed pixel, or none has any class, or the parent's normalisation cannot take one.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._find_touching(report)
        for number, case in enumerate(self.cases):
            report(f"Preparing {case.name} ({number + 1} of {len(self.cases)})")
            self._add_image(number, case)
        self._check_classes()
        self._split(fraction, seed)
        self._measure_intensities()
        return self.result

    def _find_touching(self, report: Report) -> None:
        """Which classes get an output more: the parent's, and those whose labels show enough touching objects."""
        known = self._inherited.class_ids if self._inherited.learned else ()
        if self.separation.way is SeparationWay.NONE:
            if known:
                names = ", ".join(item.name for item in self.scheme.classes if item.id in known)
                self.result.notices.append(f"{names}: {DROPPED}")  # asked for, and not to be undone
            self.separation = Separation()
            return
        seen = objects_in_labels(self.cases, self.scheme.ids, report)
        self.separation = planned_separation(seen, self.scheme.ids, self.separation.way, self._inherited)
        self.result.notices += separation_ahead(self.separation, seen, self.scheme)
        class_ids = self.separation.class_ids
        if not class_ids:
            return
        self.result.separation = self.separation.to_json()
        self.result.output_ids += class_ids
        crowded = [class_id for class_id, labels in seen.items() if labels.crowded]
        self.parting = PartingLabels(self.scheme.ids, self.separation, crowded)
        self.ignore = self.parting.ignore

    def _add_image(self, number: int, case: Case) -> None:
        from core.datasets.loading import case_digest, load_case, load_objects

        image, labels = load_case(case)
        ids = load_objects(case, image.shape) if self.separation.class_ids else None
        size = case.pixel_size_nm if case.pixel_size_nm is not None else image.pixel_size.nm
        factor = self._factor(case.name, size)
        frame = find_frame(image.pixels_yx)
        on_grid = resample_labels(frame.cut(labels), factor)
        target = network_labels(on_grid, self.scheme, case.name, more=len(self.separation.class_ids))
        ids_on_grid = None if ids is None else resample_labels(frame.cut(ids), factor)
        self.result.has_unparted |= self.parting.mark(target, on_grid, ids_on_grid)
        reviewed = int((target != self.ignore).sum())
        if not reviewed:
            self.result.notices.append(f"{case.name} was skipped: all its pixels are ignore (255).")
            return
        self.result.snapshot[case.name] = case_digest(image, labels, ids)
        self.counts += np.bincount(self.parting.as_classes(target).ravel(), minlength=256)
        self.result.has_ignore |= reviewed < target.size
        self._store_image(f"case_{number:05d}", case, frame.cut(image.pixels_yx), factor, target)

    def _factor(self, name: str, size_nm: float | None) -> float:
        if size_nm is None and self.result.pixel_size_nm is not None:
            self.result.notices.append(
                f"The pixel size of {name} is unknown; it was assumed to be {self.result.pixel_size_nm:g} nm."
            )
        return scale_factor(size_nm, self.result.pixel_size_nm)

    def _store_image(
        self, name: str, case: Case, framed_yx: NDArray[Any], factor: float, labels: NDArray[np.uint8]
    ) -> None:
        self._sample_intensities(resample_image(framed_yx, factor), labels)
        values = self._normalized(case.name, framed_yx, factor)
        pieces = _tiles(labels.shape[0], labels.shape[1])
        for index, (rows, columns) in enumerate(pieces):
            part = labels[rows, columns]
            if len(pieces) > 1 and not (part != self.ignore).any():
                continue
            piece = name if len(pieces) == 1 else f"{name}_tile{index:03d}"
            self._write(piece, values[rows, columns], part)
            self._register(piece, case.name, case.group, part)

    def _normalized(self, name: str, framed_yx: NDArray[Any], factor: float) -> NDArray[np.float32]:
        try:
            return self.normalization.normalize_resampled(framed_yx, factor)
        except PredictionError as error:
            raise TrainingError(f"{name} does not match the parent model. {error.cause}", error.remedy) from error

    def _register(self, name: str, image: str, group: str, labels: NDArray[np.uint8]) -> None:
        self.result.image_of_case[name] = image
        self.groups[name] = group
        self.reviewed_px[name] = int((labels != self.ignore).sum())
        self.result.shapes.append([1, *labels.shape])

    def _write(self, name: str, values: NDArray[np.float32], labels: NDArray[np.uint8]) -> None:
        """Store one case with nnU-Net's own storage and foreground sampling."""
        from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
        from nnunetv2.training.dataloading.nnunet_dataset import comp_blosc2_params, nnUNetDatasetBlosc2

        data, seg = values[None, None], labels[None, None].astype(np.int16)
        known = list(range(1, self.ignore))
        places = self.parting.as_classes(labels)[None, None].astype(np.int16)
        locations = DefaultPreprocessor._sample_foreground_locations(places, [*known, [-1, 0, *known]])
        blocks, chunks = comp_blosc2_params(data.shape, (256, 256), data.itemsize)
        blocks_seg, chunks_seg = comp_blosc2_params(seg.shape, (256, 256), seg.itemsize)
        nnUNetDatasetBlosc2.save_case(
            data, seg, {"class_locations": locations, "spacing": list(SPACING)}, str(self.folder / name),
            chunks=chunks, blocks=blocks, chunks_seg=chunks_seg, blocks_seg=blocks_seg,
        )  # fmt: skip

    def _check_classes(self) -> None:
        if not self.groups:
            raise TrainingError(
                "All pixels of the training images are ignore (255).",
                "Annotate some pixels, or set fewer to 255 (ignore).",
            )
        if not self.counts[1 : self.ignore].any():
            raise TrainingError(
                "The training images contain only background.", "Annotate at least one object of one class."
            )
        missing = [c.name for label, c in enumerate(self.scheme.classes, 1) if not self.counts[label]]
        if missing:
            self.result.notices.append(f"No training image contains {', '.join(missing)}; it cannot be learned.")

    def _split(self, fraction: float, seed: int) -> None:
        names = sorted(self.groups)
        images = self.result.image_of_case
        held = split_images({images[name]: self.groups[name] for name in names}, fraction, seed)
        if held:
            self.result.validation = [name for name in names if images[name] in held]
            self.result.training = [name for name in names if images[name] not in held]
            return
        if fraction > 0 and self._split_regions(names, fraction):
            self.result.has_ignore = True
            self.result.notices.append(
                "There are few training images or they belong to one stack or specimen, so a strip of each is "
                "held out for validation."
            )
            return
        self.result.training = self.result.validation = names
        self.result.held_out = False
        self.result.notices.append(
            "No images are held out: the validation Dice shows the fit to the training images, not performance on "
            "new images."
        )

    def _split_regions(self, names: list[str], fraction: float) -> bool:
        """Turn every case into a training and a validation case with the other's strip set to ignore."""
        import blosc2  # type: ignore[import-untyped]

        def read(name: str, suffix: str = "") -> NDArray[Any]:
            values: NDArray[Any] = blosc2.open(str(self.folder / f"{name}{suffix}.b2nd"), mode="r")[:][0, 0]
            return values

        guide = max(names, key=lambda name: self.reviewed_px[name])
        labels = read(guide, "_seg")
        region = validation_region(labels, self.ignore, fraction)
        if region is None:
            return False
        relative = [
            (part.indices(n)[0] / n, part.indices(n)[1] / n) for part, n in zip(region, labels.shape, strict=True)
        ]
        for name in names:
            values, labels = read(name), read(name, "_seg")
            inside = tuple(
                slice(round(low * n), round(high * n)) for (low, high), n in zip(relative, labels.shape, strict=True)
            )
            self._write_sides(name, values, labels.astype(np.uint8), inside)
        return bool(self.result.training and self.result.validation)

    def _write_sides(
        self, name: str, values: NDArray[np.float32], labels: NDArray[np.uint8], inside: tuple[slice, ...]
    ) -> None:
        training, validation = labels.copy(), np.full_like(labels, self.ignore)
        training[inside] = self.ignore
        validation[inside] = labels[inside]
        for suffix, part, side in (
            ("train", training, self.result.training),
            ("val", validation, self.result.validation),
        ):
            if (part != self.ignore).any():
                self._write(f"{name}_{suffix}", values, part)
                self.result.image_of_case[f"{name}_{suffix}"] = self.result.image_of_case[name]
                side.append(f"{name}_{suffix}")
        del self.result.image_of_case[name]
        for ending in (".b2nd", "_seg.b2nd", ".pkl"):
            (self.folder / f"{name}{ending}").unlink()

    def _sample_intensities(self, pixels: NDArray[Any], labels: NDArray[np.uint8]) -> None:
        """Grey values of annotated pixels for nnU-Net's fingerprint."""
        values = pixels[(labels > 0) & (labels != self.ignore)]
        if values.size:
            generator = np.random.default_rng(len(self._samples))
            self._samples.append(generator.choice(values, min(values.size, FINGERPRINT_SAMPLES), replace=False))

    def _measure_intensities(self) -> None:
        values = np.concatenate([sample.astype(np.float64) for sample in self._samples])
        low, median, high = np.percentile(values, (0.5, 50, 99.5))
        self.result.intensities = {
            "mean": float(values.mean()), "median": float(median), "std": float(values.std()),
            "min": float(values.min()), "max": float(values.max()),
            "percentile_99_5": float(high), "percentile_00_5": float(low),
        }  # fmt: skip


def _tiles(height: int, width: int) -> list[tuple[slice, slice]]:
    """Equal parts of at most `TILE_PX`, covering the image once."""
    edges = [
        np.linspace(0, length, -(-length // TILE_PX) + 1).round().astype(int).tolist() for length in (height, width)
    ]
    return [
        (slice(top, bottom), slice(left, right))
        for top, bottom in zip(edges[0][:-1], edges[0][1:], strict=True)
        for left, right in zip(edges[1][:-1], edges[1][1:], strict=True)
    ]


def dataset_description(prepared: PreparedDataset) -> dict[str, Any]:
    """nnU-Net's dataset.json."""
    names = class_names([str(item["name"]) for item in prepared.scheme])
    by_id = {item["id"]: name for item, name in zip(prepared.scheme, names, strict=True)}
    names += [f"{by_id[class_id]} (parting)" for class_id in prepared.output_ids[len(names) + 1 :]]
    labels = {"background": 0, **{name: label for label, name in enumerate(names, 1)}}
    if prepared.has_ignore:
        labels["ignore"] = len(labels)
    return {
        "channel_names": {"0": "zscore"},
        "labels": labels,
        "numTraining": len(prepared.image_of_case),
        "file_ending": ".png",
        "overwrite_image_reader_writer": "NaturalImage2DIO",
    }


def class_names(names: list[str]) -> list[str]:
    """Names that nnU-Net accepts beside its own "background" and "ignore"."""
    return [f"{name} (class)" if name.casefold() in ("background", "ignore") else name for name in names]


def write_fingerprint(path: Path, prepared: PreparedDataset) -> None:
    """nnU-Net's dataset_fingerprint.json, which its planner reads."""
    write_json(
        path,
        {
            "spacings": [list(SPACING)] * len(prepared.shapes),
            "shapes_after_crop": prepared.shapes,
            "foreground_intensity_properties_per_channel": {"0": prepared.intensities},
            "median_relative_size_after_cropping": 1.0,
        },
    )


def read_prepared(path: Path) -> PreparedDataset:
    """What an earlier preparation decided."""
    return PreparedDataset(**json.loads(path.read_text(encoding="utf-8")))
