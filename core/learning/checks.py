"""What to know before a training begins: class balance, warnings, and what forbids it. Reads rows only, no pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from core.datasets.leakage import straddling
from core.errors import Refusal
from core.label_scheme import LabelClass, LabelScheme
from core.store.records import ImageRecord, RevisionRecord, Split
from core.wording import some_of

FEW_PX: Final = 5_000
"""Below this many pixels a class is hard to learn: about one mitochondrion of 0.7 µm at 8 nm per pixel."""

SIZE_RATIO: Final = 1.5
"""Pixel sizes that differ by more than this factor are worth a word: one of them may be wrong."""


@dataclass(frozen=True, slots=True)
class ClassBalance:
    """How much of a class there is to learn from.

    Parameters
    ----------
    pixels
        Over all chosen label maps.
    fraction
        Of the labelled pixels, 0 to 1.
    images
        In how many of the chosen images it occurs.
    """

    label: LabelClass
    pixels: int
    fraction: float
    images: int


@dataclass(frozen=True, slots=True)
class TrainingCheck:
    """What a choice of images means.

    Parameters
    ----------
    balance
        One row per class of the scheme.
    labelled_px, ignored_px
        Pixels that count, and pixels that nobody has confirmed.
    warnings
        Sentences; the training is possible all the same.
    refusals
        Why it is not.
    """

    balance: tuple[ClassBalance, ...]
    labelled_px: int
    ignored_px: int
    warnings: tuple[str, ...]
    refusals: tuple[Refusal, ...]


def check_training(
    chosen: Sequence[ImageRecord],
    everything: Sequence[ImageRecord],
    references: Mapping[str, RevisionRecord],
    scheme: LabelScheme,
    *,
    parent_scheme: LabelScheme | None = None,
) -> TrainingCheck:
    """Look at a choice of images before a training.

    Parameters
    ----------
    chosen
        Images to learn from.
    everything
        All images of the project, to see what the test set shares with them.
    references
        Image id to the label map that would be used.
    scheme
        The project's.
    parent_scheme
        That of the model to go on from.

    Examples
    --------
    >>> check_training((), (), {}, LabelScheme(())).refusals[0].cause
    'No image is chosen.'
    """
    labelled = [image for image in chosen if image.id in references]
    balance, labelled_px = _balance([references[image.id] for image in labelled], scheme)
    total_px = sum(image.shape_yx[0] * image.shape_yx[1] for image in labelled)
    refusals = (*_refusals(chosen, references), *_nothing_labelled(labelled, balance))
    warnings = (
        *_missing(balance, bool(labelled), kept=_same_classes(scheme, parent_scheme)),
        *_few(balance),
        *_shared(chosen, everything),
        *_sizes(chosen),
        *_parent(scheme, parent_scheme),
    )
    return TrainingCheck(balance, labelled_px, total_px - labelled_px, warnings, refusals)


def _balance(revisions: Sequence[RevisionRecord], scheme: LabelScheme) -> tuple[tuple[ClassBalance, ...], int]:
    """Rows per class from the coverage that every revision keeps, and the labelled pixels in all."""
    pixels = {item.id: 0 for item in scheme.classes}
    images = dict(pixels)
    labelled = 0
    for revision in revisions:
        for row in revision.coverage:
            labelled += int(row["pixels"])
            if row["class_id"] in pixels and row["pixels"]:
                pixels[row["class_id"]] += int(row["pixels"])
                images[row["class_id"]] += 1
    rows = tuple(
        ClassBalance(item, pixels[item.id], pixels[item.id] / labelled if labelled else 0.0, images[item.id])
        for item in scheme.classes
    )
    return rows, labelled


def _refusals(chosen: Sequence[ImageRecord], references: Mapping[str, RevisionRecord]) -> tuple[Refusal, ...]:
    if not chosen:
        return (Refusal("No images selected.", "Select at least one image with reference labels."),)
    sentences = []
    test = [image.name for image in chosen if image.split is Split.TEST]
    bare = [image.name for image in chosen if image.id not in references]
    if test:
        sentences.append(
            Refusal(
                f"{_some(test)} in the test set, which must not be used for training.",
                "Select other images.",
            )
        )
    if bare:
        sentences.append(
            Refusal(f"{_some(bare)} without reference labels.", "Import their label maps on the Data page.")
        )
    return tuple(sentences)


def _nothing_labelled(labelled: Sequence[ImageRecord], balance: Sequence[ClassBalance]) -> tuple[Refusal, ...]:
    if labelled and not any(row.pixels for row in balance):
        return (Refusal("The label maps contain no classes.", "Select other images."),)
    return ()


def _missing(balance: Sequence[ClassBalance], any_image: bool, *, kept: bool) -> tuple[str, ...]:
    """Classes without a pixel; ``kept``: the model to go on from knows them and its output layers stay."""
    names = [row.label.name for row in balance if not row.pixels]
    if not names or not any_image:
        return ()
    if kept:
        return (
            f"Not in these images: {', '.join(names)}. The parent model's ability to find these classes is not "
            "trained further and may degrade.",
        )
    return (f"Not in these images, so the model will never find: {', '.join(names)}.",)


def _few(balance: Sequence[ClassBalance]) -> tuple[str, ...]:
    return tuple(
        f"Only {row.pixels:,} px of {row.label.name} in {row.images} image{'s' if row.images != 1 else ''}: very "
        "little training data."
        for row in balance
        if 0 < row.pixels < FEW_PX
    )


def _shared(chosen: Sequence[ImageRecord], everything: Sequence[ImageRecord]) -> tuple[str, ...]:
    """Groups that both the training and the test set draw from."""
    return tuple(
        f"Images of the {group.what} {group.name!r} are in the training set and in the test set: scores will be higher "
        f"than on another {group.what}."
        for group in straddling(everything, training=chosen)
    )


def _sizes(chosen: Sequence[ImageRecord]) -> tuple[str, ...]:
    sizes = [image.pixel_size.nm for image in chosen if image.pixel_size.nm is not None]
    unknown = len(chosen) - len(sizes)
    sentences = []
    if sizes and unknown:
        sentences.append(
            f"The pixel size of {unknown} of {len(chosen)} images is unknown; these images are not rescaled."
        )
    elif unknown:
        sentences.append("All pixel sizes are unknown: the model cannot adapt to other magnifications.")
    if sizes and max(sizes) > SIZE_RATIO * min(sizes):
        sentences.append(
            f"Pixel sizes range from {min(sizes):g} to {max(sizes):g} nm; all images are rescaled to "
            f"{median(sizes):g} nm. Check that all of them are correct."
        )
    return tuple(sentences)


def _parent(scheme: LabelScheme, parent: LabelScheme | None) -> tuple[str, ...]:
    if parent is None or _same_classes(scheme, parent):
        return ()
    return (
        ("The parent model has different classes: its output layers are re-initialised, all other weights are kept."),
    )


def _same_classes(scheme: LabelScheme, parent: LabelScheme | None) -> bool:
    """Whether a training goes on from a model's output layers, too."""
    return parent is not None and [item.name for item in parent.classes] == [item.name for item in scheme.classes]


def _some(names: Sequence[str]) -> str:
    """A few of the names, with a verb."""
    return f"{some_of(names, 3)} {'is' if len(names) == 1 else 'are'}"
