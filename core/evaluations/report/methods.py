"""How an evaluation measured, in sentences that a methods section can take over. The conventions: docs/metrics.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.evaluation.metric import Better, Metric
from core.evaluation.report import EvaluationReport
from core.evaluation.settings import IntervalKind
from core.evaluation.words import counted
from core.evaluations.report.findings import Findings

_NOT_OF_US = ("python", "cristae")


def methods_sentences(found: Findings) -> tuple[str, ...]:
    """What was done, one paragraph each, in the order of the work."""
    told = (
        _compared(found),
        _predicted(found),
        _surfaces(found.report),
        _kinds(found.report),
        _means(found.report),
        _programs(found),
    )
    return tuple(text for text in told if text)


def doi_address(metric: Metric) -> str:
    """Where the paper that defines a metric is found; "" for arithmetic."""
    return f"https://doi.org/{metric.source}" if metric.source else ""


def direction(metric: Metric) -> str:
    """Which way is good, in a word or two."""
    return {Better.HIGHER: "higher", Better.LOWER: "lower"}.get(metric.better, "nearest to 0")


def versions_text(versions: Mapping[str, str]) -> str:
    """Programs with their versions.

    >>> versions_text({"python": "3.11.7", "nnunetv2": "2.8.1", "torch": "2.13.0+cpu"})
    'nnunetv2 2.8.1, torch 2.13.0+cpu, python 3.11.7'
    """
    last = [name for name in versions if name in _NOT_OF_US]
    return ", ".join(f"{name} {versions[name]}" for name in [*(n for n in versions if n not in last), *last])


def _compared(found: Findings) -> str:
    row, report = found.record, found.report
    made = "Predictions of another program"
    if row.model_id:
        made = f"Predictions of the model {found.card.name if found.card else row.name} ({row.model_id})"
    images = counted(len(report.images), "image")
    of = f" of a test set of {row.image_count}" if report.partial else ""
    specimens = {image.group for image in report.images if image.group}
    where = f" from {counted(len(specimens), 'specimen')}" if specimens else ""
    return (
        f"{made} were compared with reference label maps of {images}{of}{where}, pixel by pixel, for "
        f"{len(report.scheme.classes)} classes and background. Pixels that nobody had reviewed count nowhere. Figures "
        "follow from counts per image and class; a figure of a class that is in neither map is undefined and left out "
        "of means."
    )


def _predicted(found: Findings) -> str:
    card = found.card
    if found.record.model_id is None:
        return ""
    told = []
    if card is not None:
        kind = card.configuration.replace("2d", "2D")
        programs = f", trained with {versions_text(card.training.versions)}" if card.training.versions else ""
        pixel = f"; images were brought to {card.pixel_size_nm:g} nm per pixel" if card.pixel_size_nm else ""
        nnunet = "nnU-Net (doi:10.1038/s41592-020-01008-z)"
        told.append(f"The model is a {kind} {nnunet}, preset {card.preset}{programs}{pixel}.")
    if found.predicted_with:
        ways = "; or ".join(_way(each) for each in found.predicted_with)
        told.append(f"It was run with {ways}.")
    return " ".join(told)


def _way(used: Mapping[str, Any]) -> str:
    """One way of predicting."""
    overlap = f"tiles that advance by {float(used['step']):g} of their size" if "step" in used else "tiles"
    mirrored = "mirrored copies averaged" if used.get("mirroring") else "no mirroring"
    folds = used.get("folds") or ()
    of = f", {'fold' if len(folds) == 1 else 'folds'} {', '.join(map(str, folds))}" if folds else ""
    backend, precision = used.get("backend", "an unknown backend"), used.get("precision", "precision unknown")
    return f"{backend} ({precision}), {overlap}, {mirrored}{of}"


def _surfaces(report: EvaluationReport) -> str:
    if not any(metric.family.name == "surface" for metric in report.metrics):
        return "No pixel size is known: there are no distances."
    return (
        f"Surface Dice has a tolerance of {report.settings.tolerance_nm:g} nm. Surfaces are pixels with a neighbour of "
        "another class above, below, left or right; distances are exact, between centres of pixels; HD95 is the "
        "image's diagonal where a class is in one map only."
    )


def _kinds(report: EvaluationReport) -> str:
    scheme, settings = report.scheme, report.settings
    thin, objects = settings.thin(scheme), settings.objects(scheme)
    told = []
    if thin:
        told.append(
            f"{_names(scheme.name_of(i) for i in thin)}: measured as nets (clDice), on the skeletons of Zhang and Suen "
            "(doi:10.1145/357994.358023)."
        )
    if objects:
        least = f" of at least {settings.min_object_px} px" if settings.min_object_px > 1 else ""
        told.append(
            f"{_names(scheme.name_of(i) for i in objects)}: measured as objects{least} that match at an IoU above "
            f"0.5. {_what_objects_are(report)}"
        )
    if any(metric.family.name == "calibration" for metric in report.metrics):
        told.append(f"Calibration has {settings.calibration_bins} equally wide bins of confidence.")
    return " ".join(told)


def _what_objects_are(report: EvaluationReport) -> str:
    """Pieces, or what ids tell apart, and in how many images."""
    images = report.images
    references = sum(bool(image.reference_by_id) for image in images)
    predictions = sum(bool(image.prediction_by_id) for image in images)
    if not references and not predictions:
        return "Objects are 8-connected pieces."
    return (
        f"Objects are told apart by ids in {references} of {len(images)} references and {predictions} of {len(images)} "
        "predictions; where there are none they are 8-connected pieces."
    )


def _means(report: EvaluationReport) -> str:
    settings = report.settings
    kind = "percentile"
    if settings.interval is IntervalKind.BCA:
        kind = "bias-corrected and accelerated (doi:10.1080/01621459.1987.10478410)"
    return (
        "Means are over images where the figure is defined; pooled figures come from counts summed over images. "
        f"Intervals are {settings.confidence_level:.0%} {kind} bootstrap intervals of the mean "
        f"(doi:10.1201/9780429246593), {settings.resamples:,} resamples drawn over {report.unit_kind}, never over "
        f"pixels, seed {settings.seed}; with one of them there is none."
    )


def _programs(found: Findings) -> str:
    if not found.scored_with:
        return f"Figures were put together with {versions_text(found.report.versions)}; scoring kept no versions."
    return f"Images were scored with {'; or '.join(versions_text(each) for each in found.scored_with)}."


def _names(names: Iterable[str]) -> str:
    told = ", ".join(names)
    return told[:1].upper() + told[1:]
