"""The verdict of a prediction is found again, also after cleaning, and never on what people painted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from core.familiarity.verdict import Level, Verdict
from core.predictions.verdicts import distrusted_sentence, verdict_on
from core.store.records import RevisionKind

SEEN = Verdict(Level.UNSEEN, 2.0, 1.3, ("its local contrast is lower than usual",))


def _revision(kind: RevisionKind, verdict: Verdict | None = None, parent: str | None = None) -> Any:
    summary = {} if verdict is None else {"summary": {"verdict": verdict.to_json()}}
    return SimpleNamespace(kind=kind, details=summary, parent_id=parent)


def _store(*revisions: Any) -> Any:
    by_id = {str(number): revision for number, revision in enumerate(revisions)}
    return SimpleNamespace(revisions=SimpleNamespace(get=by_id.__getitem__))


def test_the_verdict_comes_with_the_prediction_and_its_cleaned_map() -> None:
    own = _revision(RevisionKind.PREDICTION, SEEN)
    assert verdict_on(_store(), own) == SEEN
    assert verdict_on(_store(own), _revision(RevisionKind.PREDICTION, parent="0")) == SEEN


def test_corrections_and_earlier_predictions_have_none() -> None:
    own = _revision(RevisionKind.PREDICTION, SEEN)
    assert verdict_on(_store(own), _revision(RevisionKind.CORRECTION, parent="0")) == Verdict()
    assert verdict_on(_store(), _revision(RevisionKind.PREDICTION)) == Verdict()


def test_images_to_distrust_are_named() -> None:
    own, other = _revision(RevisionKind.PREDICTION, SEEN), _revision(RevisionKind.PREDICTION, Verdict(Level.LIKE))
    maps: Any = [(SimpleNamespace(name="a.tif"), own), (SimpleNamespace(name="b.tif"), other)]
    assert "1 image: a.tif" in distrusted_sentence(_store(), maps)
    assert not distrusted_sentence(_store(), maps[1:])
