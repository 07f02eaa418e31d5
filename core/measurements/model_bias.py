"""A model's label maps beside people's on the test images of a project: what its figures are wrong by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.datasets.case import Split
from core.evaluation import intervals
from core.measurements.smallest import Smallest
from core.measurements.sources import MeasuredMap, Source, SourceKind, predictions_by_maker
from core.measurements.start import Measured, measured
from core.morphometry.bias import Bias, bias
from core.morphometry.conditions import unit_densities, unit_means, unit_shares
from core.morphometry.measures import Measure
from core.morphometry.summary import ImageObjects, Selection, summarise
from core.store.records import RevisionKind
from core.store.store import Store


@dataclass(frozen=True, eq=False, slots=True)
class CheckedImages:
    """The test images that both a model and people have labelled.

    Parameters
    ----------
    predicted, reference
        What is measured of either.
    """

    predicted: Measured
    reference: Measured

    @property
    def missing(self) -> tuple[MeasuredMap, ...]:
        """Label maps that are not measured yet, or with other settings."""
        both = (self.predicted, self.reference)
        return tuple(each for of in both for maps in (of.missing, of.outdated) for each in maps)

    @property
    def pairs(self) -> tuple[tuple[ImageObjects, ImageObjects], ...]:
        """Images that are measured in both, as the model and as people have them."""
        reference = {image.image_id: image for image in self.reference.images}
        return tuple(
            (image, reference[image.image_id]) for image in self.predicted.images if image.image_id in reference
        )


@dataclass(frozen=True, slots=True)
class Biases:
    """Of a measure's mean, of the number per area, and of the share of the area."""

    mean: Bias
    density: Bias
    share: Bias


def checked_images(
    store: Store, project_id: str, source: Source, contact_nm: float, smallest: Smallest
) -> CheckedImages | None:
    """The test images of a project with references and a prediction of this model; None where there are none.

    Parameters
    ----------
    source
        Predictions of a model; of any other source there is no bias.
    contact_nm
        With which they are to be measured.
    smallest
        Objects that distances and contacts are to.
    """
    if source.kind is not SourceKind.MODEL:
        return None
    predictions = predictions_by_maker(store, project_id).get(source, {})
    references = store.revisions.newest_of_project(project_id, RevisionKind.REFERENCE)
    images = [
        image
        for image in store.images.all(project_id)
        if image.split is Split.TEST and image.id in predictions and image.id in references
    ]
    if not images:
        return None
    first, second = ([MeasuredMap(image, of[image.id]) for image in images] for of in (predictions, references))
    return CheckedImages(*(measured(store, maps, contact_nm, smallest) for maps in (first, second)))


def biases(pairs: Sequence[tuple[ImageObjects, ImageObjects]], measure: Measure, selection: Selection) -> Biases:
    """By how much the model's figures differ from people's, with the same objects chosen in both.

    Parameters
    ----------
    pairs
        As `CheckedImages.pairs` gives them.
    measure, selection
        Which figure of which objects.
    """
    first, second = (summarise([pair[side] for pair in pairs], measure, selection) for side in (0, 1))
    kind = intervals.kind_of_units(row.image.membership for row in second)
    mean, density, share = (
        bias(figures(first), figures(second), kind) for figures in (unit_means, unit_densities, unit_shares)
    )
    return Biases(mean, density, share)
