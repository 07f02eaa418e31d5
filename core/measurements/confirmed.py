"""How much of a label map somebody has confirmed: figures of the rest are the network's, whoever approved it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from core.learning.training_labels import COVERED
from core.morphometry.summary import ImageObjects
from core.store.records import ImageRecord, RevisionKind, RevisionRecord
from core.wording import counted

ENOUGH: Final = 0.95
"""Share below which figures are called those of a prediction."""


def confirmed_share(image: ImageRecord, revision: RevisionRecord) -> float:
    """Share of an image's pixels, 0 to 1, that a person has confirmed in this label map.

    References are taken for confirmed: whoever brought them says so. Predictions are not. Of a correction it is what
    its author painted or confirmed; NaN where an earlier version kept no record of it.
    """
    if revision.kind is RevisionKind.PREDICTION:
        return 0.0
    if revision.kind is RevisionKind.REFERENCE:
        return 1.0
    covered = revision.details.get(COVERED)
    if not isinstance(covered, dict):
        return math.nan
    return min(sum(int(pixels) for pixels in covered.values()) / (image.shape_yx[0] * image.shape_yx[1]), 1.0)


def confirmed_words(images: Sequence[ImageObjects]) -> str:
    """What a reader must know where little of what is measured is confirmed; "" where nearly all of it is.

    The mean over images, all alike; images of which nothing is known are left out.
    """
    known = [image.confirmed for image in images if image.confirmed == image.confirmed]
    if not known or min(known) >= ENOUGH:
        return ""
    mean = 100 * sum(known) / len(known)
    few = sum(share < ENOUGH for share in known)
    share = f"{mean:.0f} %" if mean >= 1 or mean == 0 else "less than 1 %"
    return (
        f"People have confirmed {share} of the pixels of these label maps; in {few} of {counted(len(known), 'image')} "
        f"less than {100 * ENOUGH:.0f} %. The rest is as the model predicted it, with its false and missed objects."
    )
