"""The verdict that was stored with a prediction: whether its image is like what the model learned from."""

from __future__ import annotations

from core.familiarity.verdict import Verdict
from core.store.records import RevisionKind, RevisionRecord
from core.store.store import Store


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
