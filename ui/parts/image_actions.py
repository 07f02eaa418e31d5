"""What can be done with images that are ticked, on whichever page."""

from __future__ import annotations

from collections.abc import Sequence

from core.store.records import ImageRecord
from core.wording import counted
from ui.parts.segment_again import segment_again_button
from ui.parts.transfer import transfer_button


def image_actions(images: Sequence[ImageRecord], *, key: str) -> None:
    """Buttons for the ticked images, in a row with others of the page.

    Parameters
    ----------
    key
        Names the buttons on their page.
    """
    ids = tuple(image.id for image in images)
    segment_again_button(
        ids, key=f"{key}-segment", label=f"Segment {counted(len(ids), 'image')} again" if ids else "Segment again"
    )
    transfer_button(ids, key=f"{key}-transfer")
