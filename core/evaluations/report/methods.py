"""How an evaluation measured, in sentences that a methods section can take over. The conventions: docs/metrics.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.evaluation.intervals import LEAST_UNITS
from core.evaluation.metric import Better, Metric
from core.evaluation.report import EvaluationReport
from core.evaluation.settings import CHOOSABLE, Choosable, EvaluationSettings
from core.evaluation.words import where_from
from core.evaluations.report.findings import Findings

_NOT_OF_US = ("python", "cristae")


def methods_sentences(found: Findings) -> tuple[str, ...]:
    """What was done, one paragraph each, in the order of the work."""
    sentences = (
        _compared(found),
        _predicted(found),
        _surfaces(found.report),
        _kinds(found.report),
        _means(found.report),
        _programs(found),
    )
    return tuple(text for text in sentences if text)


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
    made = "Imported predictions"
    if row.model_id:
        made = f"Predictions of the model {found.card.name if found.card else row.name} ({row.model_id})"
    of = f" of a test set of {row.image_count}" if report.partial else ""
    return (
        f"{made} were compared with reference label maps of {where_from(report)}{of}, pixel by pixel, for "
        f"{len(report.scheme.classes)} classes and background. Unannotated pixels (ignore) are excluded. Metrics "
        "are computed from counts per image and class; a metric of a class that is in neither label map is "
        "undefined and excluded from means."
    )


def _predicted(found: Findings) -> str:
    card = found.card
    if found.record.model_id is None:
        return ""
    sentences = []
    if card is not None:
        kind = card.configuration.replace("2d", "2D")
        programs = f", trained with {versions_text(card.training.versions)}" if card.training.versions else ""
        pixel = f"; images were rescaled to {card.pixel_size_nm:g} nm per pixel" if card.pixel_size_nm else ""
        nnunet = "nnU-Net (doi:10.1038/s41592-020-01008-z)"
        sentences.append(f"The model is a {kind} {nnunet}, preset {card.preset}{programs}{pixel}.")
    if found.predicted_with:
        ways = "; or ".join(_way(each) for each in found.predicted_with)
        sentences.append(f"It was applied with {ways}.")
    return " ".join(sentences)


def _way(used: Mapping[str, Any]) -> str:
    """One way of predicting."""
    overlap = f"tiles that advance by {float(used['step']):g} of their size" if "step" in used else "tiles"
    mirrored = "test-time augmentation by mirroring" if used.get("mirroring") else "no mirroring"
    folds = used.get("folds") or ()
    of = f", {'fold' if len(folds) == 1 else 'folds'} {', '.join(map(str, folds))}" if folds else ""
    backend, precision = used.get("backend", "an unknown backend"), used.get("precision", "precision unknown")
    return f"{backend} ({precision}), {overlap}, {mirrored}{of}"


def _surfaces(report: EvaluationReport) -> str:
    if not any(metric.family.name == "surface" for metric in report.metrics):
        return "The pixel sizes are unknown, so distance metrics are not computed."
    return (
        f"The tolerance of surface Dice is {report.settings.tolerance_nm:g} nm. Surfaces are pixels with a "
        "neighbour of another class above, below, left or right; distances are exact, between centres of pixels; "
        "HD95 is the image diagonal if a class is in only one label map."
    )


def _kinds(report: EvaluationReport) -> str:
    scheme, settings = report.scheme, report.settings
    thin, objects = settings.thin(scheme), settings.objects(scheme)
    sentences = []
    if thin:
        sentences.append(
            f"{_names(scheme.name_of(i) for i in thin)}: scored with clDice, on the skeletons of Zhang and Suen "
            "(doi:10.1145/357994.358023)."
        )
    if objects:
        least = f" of at least {settings.min_object_px} px" if settings.min_object_px > 1 else ""
        sentences.append(
            f"{_names(scheme.name_of(i) for i in objects)}: scored as objects{least}, matched at an IoU above 0.5. "
            f"{_what_objects_are(report)}"
        )
    if any(metric.family.name == "calibration" for metric in report.metrics):
        sentences.append(f"Calibration uses {settings.calibration_bins} equally wide confidence bins.")
    sentences += [text for row in CHOOSABLE if (text := chosen_sentence(row, settings))]
    return " ".join(sentences)


def _what_objects_are(report: EvaluationReport) -> str:
    """Pieces, or what ids tell apart, and in how many images."""
    images = report.images
    references = sum(bool(image.reference_by_id) for image in images)
    predictions = sum(bool(image.prediction_by_id) for image in images)
    if not references and not predictions:
        return "Objects are 8-connected regions."
    return (
        f"Objects are separated by ids in {references} of {len(images)} references and {predictions} of {len(images)} "
        "predictions; otherwise they are 8-connected regions."
    )


def chosen_sentence(row: Choosable, settings: EvaluationSettings) -> str:
    """What the methods say of a setting that was chosen."""
    value = getattr(settings, row.name)
    unusual = row.sentence and value != getattr(EvaluationSettings(), row.name)
    return row.sentence.format(value=f"{value:g}") if unusual else ""


def _means(report: EvaluationReport) -> str:
    settings = report.settings
    return (
        "Means are over images in which the metric is defined; pooled scores are computed from counts summed over "
        f"images. Intervals are {settings.confidence_level:.0%} t intervals of the mean over {report.unit_kind}, never "
        "over pixels, worked out on the logit scale for shares and on the log scale for distances and numbers; fewer "
        f"than {LEAST_UNITS} {report.unit_kind} give no interval."
    )


def _programs(found: Findings) -> str:
    if not found.scored_with:
        return (
            f"The report was created with {versions_text(found.report.versions)}; the versions used for scoring "
            "are unknown."
        )
    return f"Images were scored with {'; or '.join(versions_text(each) for each in found.scored_with)}."


def _names(names: Iterable[str]) -> str:
    text = ", ".join(names)
    return text[:1].upper() + text[1:]
