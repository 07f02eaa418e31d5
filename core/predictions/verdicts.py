"""The verdict that was stored with a prediction: whether its image is like what the model learned from."""

from __future__ import annotations

from collections.abc import Iterable

from core.familiarity.verdict import TITLES, Level, Verdict
from core.store.records import ImageRecord, RevisionKind, RevisionRecord
from core.store.store import Store
from core.wording import counted, some_of


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


def distrusted_sentence(store: Store, maps: Iterable[tuple[ImageRecord, RevisionRecord]]) -> str:
    """Which of these images the model of their prediction has probably never seen the like of; "" for none."""
    names = [image.name for image, revision in maps if verdict_on(store, revision).distrusted]
    if not names:
        return ""
    title = TITLES[Level.UNSEEN]
    return f"{title} Do not rely on the figures of {counted(len(names), 'image')}: {some_of(names)}."
