"""The verdict that was stored with a prediction: whether its image is like what the model learned from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from core.familiarity.verdict import TITLES, Level, Verdict
from core.store.records import ImageRecord, RevisionKind, RevisionRecord
from core.store.store import Store
from core.wording import counted, some_of

VERDICT_COLUMNS: Final = ("like_training_images", "verdict")
"""How files call what `verdict_texts` gives."""


def verdict_on(store: Store, revision: RevisionRecord) -> Verdict:
    """The verdict on the image of a prediction, also after its objects were cleaned by other rules.

    Returns
    -------
    Verdict
        *Not known* for label maps of people, for predictions of earlier versions and for models without statistics.
    """
    while revision.kind is RevisionKind.PREDICTION:
        values = revision.details.get("summary", {}).get("verdict")
        if values:
            return Verdict.from_json(values)
        if revision.parent_id is None:
            break
        revision = store.revisions.get(revision.parent_id)
    return Verdict()


def verdict_texts(store: Store, revision: RevisionRecord) -> tuple[str, str]:
    """For files: the verdict in a few words and as a sentence, in the order of `VERDICT_COLUMNS`.

    Returns
    -------
    tuple[str, str]
        Empty for label maps that no model predicted.
    """
    if revision.kind is not RevisionKind.PREDICTION or revision.model_id is None:
        return "", ""
    verdict = verdict_on(store, revision)
    return verdict.level.value, verdict.sentence


def distrusted_sentence(store: Store, maps: Iterable[tuple[ImageRecord, RevisionRecord]]) -> str:
    """Which of these images the model of their prediction has probably never seen the like of; "" for none."""
    names = [image.name for image, revision in maps if verdict_on(store, revision).distrusted]
    if not names:
        return ""
    title = TITLES[Level.UNSEEN]
    return f"{title} Do not rely on the figures of {counted(len(names), 'image')}: {some_of(names)}."
