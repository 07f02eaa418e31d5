"""What copying or moving images to another project does to each of them: nothing is changed by looking.

A *copy* leaves the original as it is. With the image go its newest reference, the newest prediction of each model
and the newest approved correction, in the classes of the other project; an approved correction waits for review there,
because nobody of that project has approved it. Earlier versions, drafts, reviews and comments stay with the original.

A *move* takes everything along, drafts and reviews too, where the classes in the label maps have the same numbers in
the other project. Where they have not, the image is copied as above and the original goes into the trash, history and
all. What an evaluation scored or a model learned from is not moved: what is frozen there stays valid.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.errors import LabelMapError
from core.jobs.kinds import JobKind, TrainParams
from core.jobs.states import ACTIVE
from core.label_scheme import IGNORE_ID, LabelScheme
from core.labels.translation import BACKGROUND_ID, ClassTranslation, match_classes, own_classes
from core.models.store import ModelStore
from core.models.stored_model import SNAPSHOT_FILE
from core.review.double_annotation import hidden_revisions
from core.store.database import Transaction
from core.store.image_ties import (
    draft_ids_within,
    has_plane_within,
    is_assigned_within,
    is_scored_within,
    is_worked_on_within,
    round_using_within,
    twin_within,
)
from core.store.jobs import JobQuery
from core.store.label_maps import translation_of
from core.store.records import ImageRecord, JobState, ProjectRecord, RevisionKind, RevisionRecord
from core.store.reviews import ReviewState
from core.store.store import Store

LISTED: Final = 5
"""Names in a sentence."""


class TransferMode(StrEnum):
    """How images get to the other project."""

    COPY = "copy"
    MOVE = "move"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTransfer:
    """What happens to one image.

    Parameters
    ----------
    image
        As it is now.
    refusal
        Why it stays where it is; "": it goes.
    keeps_history
        It goes with everything that belongs to it, label maps as they are.
    label_maps
        Label maps that go.
    lost
        Classes in them that the other project does not have: *ignore* in references and corrections, background in
        predictions.
    left_behind
        Label maps that do not go: earlier versions, and what cannot be read in the classes of the project.
    """

    image: ImageRecord
    refusal: str = ""
    keeps_history: bool = False
    label_maps: int = 0
    lost: tuple[str, ...] = ()
    left_behind: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferPlan:
    """What happens to all of them.

    Parameters
    ----------
    mode, source, target
        What was asked for.
    images
        In the order of asking.
    unknown
        Classes of the other project that this one does not have: where they are, the label maps say something else.
    """

    mode: TransferMode
    source: ProjectRecord
    target: ProjectRecord
    images: tuple[ImageTransfer, ...]
    unknown: tuple[str, ...]

    @property
    def going(self) -> tuple[ImageTransfer, ...]:
        """Those that go."""
        return tuple(image for image in self.images if not image.refusal)

    @property
    def refused(self) -> tuple[ImageTransfer, ...]:
        """Those that stay."""
        return tuple(image for image in self.images if image.refusal)

    @property
    def lost(self) -> dict[str, int]:
        """Class that gets lost to the number of images that have it."""
        found: dict[str, int] = {}
        for each in self.going:
            for name in each.lost:
                found[name] = found.get(name, 0) + 1
        return found


def plan_transfer(
    store: Store, image_ids: Sequence[str], source_id: str, target_id: str, mode: TransferMode, *, person: str
) -> TransferPlan:
    """Look at what would happen.

    Parameters
    ----------
    image_ids
        Of the project ``source_id``; others are refused.
    person
        Who asks: what a blind assignment hides from them is not copied.

    Raises
    ------
    NotFoundError
        There is no such project or image.
    """
    source, target = store.projects.get(source_id), store.projects.get(target_id)
    translation = match_classes(source.scheme, target.scheme, former=target.former_names)
    hidden = hidden_revisions(store, source.id, person)
    taught = _taught(store) if mode is TransferMode.MOVE else frozenset()
    images = [store.images.get(image_id) for image_id in dict.fromkeys(image_ids)]
    planned = []
    for image in images:
        refusal = _refusal(store, image, source, target, mode, taught)
        planned.append(
            ImageTransfer(image=image, refusal=refusal)
            if refusal
            else _described(store, image, translation, target, mode, hidden)
        )
    return TransferPlan(mode=mode, source=source, target=target, images=tuple(planned), unknown=translation.missing)


def carried(store: Store, image: ImageRecord, hidden: Collection[str] = ()) -> tuple[RevisionRecord, ...]:
    """The label maps that a copy takes along: newest reference, newest prediction of each maker, newest approved
    correction; oldest first.
    """
    revisions = [revision for revision in store.revisions.of_image(image.id) if revision.id not in hidden]
    reviews = store.reviews.standings([revision.id for revision in revisions])
    approved = {revision_id for revision_id, review in reviews.items() if review.state is ReviewState.APPROVED}
    found: dict[tuple[str, str], RevisionRecord] = {}
    for revision in revisions:  # newest first
        if revision.kind is RevisionKind.CORRECTION and revision.id not in approved:
            continue
        maker = (
            str(revision.model_id or revision.details.get("maker", ""))
            if revision.kind is RevisionKind.PREDICTION
            else ""
        )
        found.setdefault((revision.kind.value, maker), revision)
    return tuple(reversed(found.values()))


def keeps_its_numbers(store: Store, image: ImageRecord, translation: ClassTranslation, target: ProjectRecord) -> bool:
    """Whether every label map and open draft of an image means the same in the other project, as it is in its files."""
    for revision in store.revisions.of_image(image.id):
        try:
            ids = translation_of(store, revision).ids
        except LabelMapError:
            return False
        used = used_classes(revision)
        if any(ids.get(i, i) != i or translation.ids.get(i) != i for i in used):
            return False
        written = revision.details.get("scheme")
        if written:
            there = own_classes(LabelScheme.from_json(written), target.scheme, target.former_classes).ids
            if any(there.get(i, i) != i for i in used):
                return False
    with store.database.reading() as session:
        drawn = draft_ids_within(session, image.id) - {BACKGROUND_ID, IGNORE_ID}
    return all(translation.ids.get(i) == i for i in drawn)


def used_classes(revision: RevisionRecord) -> set[int]:
    """Ids in the files of a label map, background and *ignore* apart; all of its classes where nobody counted."""
    if not revision.coverage:
        return {int(each["id"]) for each in revision.details.get("scheme") or ()}
    ids = {int(row["class_id"]) for row in revision.coverage if row.get("pixels")}
    return ids - {BACKGROUND_ID, IGNORE_ID}


def _described(
    store: Store,
    image: ImageRecord,
    translation: ClassTranslation,
    target: ProjectRecord,
    mode: TransferMode,
    hidden: Collection[str],
) -> ImageTransfer:
    """What happens to an image that goes."""
    everything = store.revisions.of_image(image.id)
    if mode is TransferMode.MOVE and keeps_its_numbers(store, image, translation, target):
        return ImageTransfer(image=image, keeps_history=True, label_maps=len(everything))
    if mode is TransferMode.MOVE and store.drafts.of_image(image.id):
        return ImageTransfer(
            image=image,
            refusal="it has an open draft, and the class numbers of the other project differ: submit or discard "
            "the draft first",
        )
    readable, lost = [], dict[str, None]()
    for each in carried(store, image, hidden):
        try:
            ids = translation_of(store, each).ids
        except LabelMapError:
            continue
        readable.append(each)
        here = {ids.get(i, i) for i in used_classes(each)} - {BACKGROUND_ID}
        names = {item.id: item.name for item in translation.source.classes}
        lost |= {names[i]: None for i in sorted(here) if i in names and not translation.ids.get(i)}
    return ImageTransfer(
        image=image,
        label_maps=len(readable),
        lost=tuple(lost),
        left_behind=len(everything) - len(readable),
    )


def _refusal(
    store: Store,
    image: ImageRecord,
    source: ProjectRecord,
    target: ProjectRecord,
    mode: TransferMode,
    taught: Collection[str],
) -> str:
    """Why an image stays; "": it goes."""
    if image.project_id != source.id:
        return "it is no longer in this project"
    with store.database.reading() as session:
        clash = _clash(session, image, target)
        return clash or (_bound(session, image, taught) if mode is TransferMode.MOVE else "")


def _clash(session: Transaction, image: ImageRecord, target: ProjectRecord) -> str:
    """What of the other project is in the way."""
    if image.project_id == target.id:
        return f"it is already in {target.name}"
    twin = twin_within(session, target.id, image.content_hash)
    if twin is not None:
        where = "the trash of " if twin.trashed else ""
        return f"{where}{target.name} contains the same image, {twin.name}"
    if image.stack and has_plane_within(session, target.id, image.stack, image.z_index):
        return f"{target.name} has another plane at this position of a stack {image.stack}: rename the stack first"
    return ""


def _bound(session: Transaction, image: ImageRecord, taught: Collection[str]) -> str:
    """What of its own project an image cannot be taken away from."""
    if is_scored_within(session, image.id):
        return "it is part of an evaluation: copy it instead"
    number = round_using_within(session, image)
    if number is not None:
        return f"round {number} used it: copy it instead"
    if image.id in taught:
        return "a model was trained on it: copy it instead"
    # one of many images is in the way of training, evaluating and measuring in its project
    if is_worked_on_within(session, image, ACTIVE, but_kinds=[JobKind.TRANSFER], image_kinds=[JobKind.INGEST]):
        return "a job is using it: wait, or cancel the job on the Jobs page"
    if is_assigned_within(session, image.id):
        return "it is assigned to annotators: cancel the assignment on the Review page, or copy it"
    return ""


def _taught(store: Store) -> frozenset[str]:
    """Images that models in the store learned from, or that a training has been asked for with."""
    asked = JobQuery(kinds=[JobKind.TRAIN], states=set(JobState) - {JobState.CANCELLED})
    found = {image_id for job in store.jobs.newest(asked) for image_id in TrainParams.from_json(job.params).image_ids}
    for model in ModelStore(store.settings.models_dir).list():
        path = model.path / SNAPSHOT_FILE
        with suppress(OSError, ValueError):
            cases = json.loads(path.read_text(encoding="utf-8")).get("cases", ()) if path.is_file() else ()
            found |= {str(case.get("image_id")) for case in cases}
    return frozenset(found)
