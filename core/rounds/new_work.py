"""What people have done since a model last learned: new corrections, what they confirm, and the work in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from core.learning.snapshot import Snapshot
from core.learning.training_labels import TrainingLabels, confirmed_rows, training_labels
from core.review.changes import changes_between, measured
from core.review.label_maps import LabelMap
from core.review.lineage import lineage
from core.review.records import Changes
from core.review.rows import review
from core.store.records import RevisionKind, RevisionRecord, Split
from core.store.round_records import RoundRecord, RoundState
from core.store.store import Store


@dataclass(frozen=True, slots=True)
class NewWork:
    """What the next round would learn that the last one did not.

    Parameters
    ----------
    since
        Number of the last round that made a model; None: there was none.
    corrections
        Approved since then, oldest first.
    references
        References that came since then.
    gone
        Ids of label maps that the last round learned from and that count no more: taken back, deleted, or their image
        was moved to the test set or left out.
    images
        How many images the new label maps are of.
    covered
        Class id to pixels confirmed in the new corrections; every class of the project is listed, background too.
    annotation_s
        Seconds of painting in the new corrections.
    test_corrections
        Approved corrections of test images; they never enter a training.
    """

    since: int | None
    corrections: tuple[RevisionRecord, ...]
    references: tuple[RevisionRecord, ...]
    gone: tuple[str, ...]
    images: int
    covered: dict[int, int]
    annotation_s: float
    test_corrections: int

    @property
    def nothing(self) -> bool:
        """Whether a new round would learn just the same."""
        return not (self.corrections or self.references or self.gone)


def new_work(store: Store, project_id: str) -> NewWork:
    """What is new since the last round that made a model.

    Raises
    ------
    NotFoundError
        There is no such project.
    """
    scheme = store.projects.get(project_id).scheme
    last = last_round(store, project_id)
    learned = learned_by(last)
    tested = {image.id for image in store.images.all(project_id) if image.split is Split.TEST}
    labels = training_labels(store, project_id)
    usable = [found for image_id, found in labels.items() if image_id not in tested]
    new = [layer for found in usable for layer in found.layers if layer.id not in learned]
    new.sort(key=lambda layer: (layer.completed_at or layer.created_at, layer.id))
    corrections = tuple(layer for layer in new if layer.kind is RevisionKind.CORRECTION)
    still = {layer.id for found in usable for layer in found.layers}
    return NewWork(
        since=last.number if last else None,
        corrections=corrections,
        references=tuple(layer for layer in new if layer.kind is RevisionKind.REFERENCE),
        gone=tuple(sorted(learned - still)),
        images=len({layer.image_id for layer in new}),
        covered=dict.fromkeys((0, *scheme.ids), 0) | covered_pixels(corrections),
        annotation_s=annotation_seconds(store, [correction.id for correction in corrections], besides=learned),
        test_corrections=_test_corrections(labels, tested),
    )


def last_round(store: Store, project_id: str, *, before: int | None = None) -> RoundRecord | None:
    """The last round that made a model, among those below a number; None: there is none."""
    made = [
        round_
        for round_ in store.rounds.of_project(project_id)
        if round_.model_id and (before is None or round_.number < before)
    ]
    return made[-1] if made else None


def learned_by(record: RoundRecord | None) -> set[str]:
    """Ids of the label maps that a round learned from."""
    if record is None:
        return set()
    return {revision_id for case in Snapshot.from_json(record.snapshot).cases for revision_id in case.revision_ids}


def rounds_that_learned(store: Store, project_id: str, revision_id: str) -> tuple[RoundRecord, ...]:
    """Rounds that have learned from a label map, or are about to, oldest first."""
    over = (RoundState.FAILED, RoundState.CANCELLED)
    return tuple(
        round_
        for round_ in store.rounds.of_project(project_id)
        if revision_id in learned_by(round_) and (round_.model_id or round_.state not in over)
    )


def new_corrections(store: Store, record: RoundRecord) -> tuple[RevisionRecord, ...]:
    """Corrections in a round's snapshot that the round before had not.

    Raises
    ------
    NotFoundError
        One has been deleted.
    """
    learned = learned_by(last_round(store, record.project_id, before=record.number))
    revisions = [store.revisions.get(each) for each in sorted(learned_by(record) - learned)]
    return tuple(revision for revision in revisions if revision.kind is RevisionKind.CORRECTION)


def covered_pixels(corrections: Iterable[RevisionRecord]) -> dict[int, int]:
    """Class id to pixels that the authors have confirmed."""
    total: Counter[int] = Counter()
    for correction in corrections:
        total.update({int(row["class_id"]): int(row["pixels"]) for row in confirmed_rows(correction)})
    return dict(sorted(total.items()))


def corrected_pixels(store: Store, corrections: Sequence[RevisionRecord]) -> dict[int, int]:
    """Class id to pixels that corrections made that class, versions that they took the place of included.

    Reads label maps that review has not looked at yet.
    """
    total: Counter[int] = Counter()
    counted = {correction.id for correction in corrections}
    for correction in corrections:
        changes = _changes(store, correction, counted)
        total.update({change.class_id: change.gained for change in changes.classes if change.gained})
    return dict(sorted(total.items()))


def _changes(store: Store, correction: RevisionRecord, counted: Collection[str]) -> Changes:
    """From the label map that its author, or the first of several versions, began with."""
    origin = correction.parent_id
    while origin is not None and origin not in counted:
        earlier = store.reviews.standing(origin)
        if earlier is None or earlier.superseded_by is None:
            break
        origin = store.revisions.get(origin).parent_id
    if lineage(store, correction.id).before_id == origin:
        (known,) = measured(store, [review(store, correction.id)])
        if known.changes is not None:
            return known.changes
    shape = store.images.get(correction.image_id).shape_yx
    return changes_between(LabelMap(store, origin, shape), LabelMap(store, correction.id, shape))


def annotation_seconds(store: Store, revision_ids: Collection[str], *, besides: Collection[str] = ()) -> float:
    """Seconds of painting in corrections, with the versions that they took the place of.

    Parameters
    ----------
    besides
        Revisions whose work was counted before.
    """
    counted, left = set(revision_ids), set(revision_ids)
    while left:
        left = store.reviews.replaced_by(left) - counted - set(besides)
        counted |= left
    return store.drafts.seconds(counted)


def _test_corrections(labels: dict[str, TrainingLabels], tested: Collection[str]) -> int:
    return sum(len(labels[image_id].corrections) for image_id in labels.keys() & set(tested))
