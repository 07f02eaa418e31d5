"""One image, several annotators, none of whom sees what the others do until all have submitted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.access.roles import ALLOWED, Permission, refusal, require_within, role_within
from core.errors import AccessError, ReviewError
from core.review.rows import named
from core.store.assignments import (
    add_assignment_within,
    assignments_within,
    is_asked_within,
    remove_assignment_within,
)
from core.store.audit import note
from core.store.database import Transaction
from core.store.drafts import open_authors_within
from core.store.image_revisions import corrections_within, newest_prediction_within
from core.store.images import image_within
from core.store.people import clean_name, person_key
from core.store.records import RevisionKind
from core.store.review_records import Assignment, Subject
from core.store.store import Store


@dataclass(frozen=True, slots=True)
class OwnWork:
    """What a person is asked to do on their own, and has not submitted yet.

    Parameters
    ----------
    asked_by
        Who asks.
    base_revision_id
        The label map that all who are asked begin from; None: an empty one.
    """

    asked_by: str
    base_revision_id: str | None


def ask_to_annotate(store: Store, image_id: str, people: Iterable[str], *, by: str, blind: bool = True) -> None:
    """Ask people to annotate an image, each for themselves. Whoever was asked before stays as they are.

    Raises
    ------
    NotFoundError
        There is no such image.
    AccessError
        ``by`` is no reviewer, or somebody who is asked may not paint.
    ReviewError
        Nobody is named, or somebody has begun already, and not from the label map that all shall begin from.
    """
    asking = named(by)
    names = {person_key(name): clean_name(name) for name in people if clean_name(name)}
    if not names:
        raise ReviewError("No annotators selected.", "Select the annotators of the image.")
    with store.database.writing() as session:
        image = image_within(session, image_id)
        require_within(session, store.settings, image.project_id, asking, Permission.REVIEW)
        for key, name in names.items():
            role = role_within(session, store.settings, image.project_id, name)
            if role is None or Permission.PAINT not in ALLOWED[role]:
                raise refusal(name, role, Permission.PAINT)
            if not is_asked_within(session, image_id, key):
                if blind:
                    _require_nothing_begun(session, image_id, name)
                add_assignment_within(session, image_id, name, blind=blind, by=asking)
                note(session, asking, "asked_to_annotate", image.project_id, image_id, person=name, blind=blind)


def excuse(store: Store, image_id: str, person: str, *, by: str) -> None:
    """Ask a person no more; nothing happens where they were not asked.

    Raises
    ------
    NotFoundError
        There is no such image.
    AccessError
        ``by`` is no reviewer.
    """
    asking = named(by)
    with store.database.writing() as session:
        image = image_within(session, image_id)
        require_within(session, store.settings, image.project_id, asking, Permission.REVIEW)
        name = remove_assignment_within(session, image_id, person_key(person))
        if name is not None:
            note(session, asking, "excused", image.project_id, image_id, person=name)


def assignments(store: Store, project_id: str, *, image_id: str | None = None) -> tuple[Assignment, ...]:
    """Who is asked to annotate which images of a project, and what they have submitted."""
    with store.database.reading() as session:
        return assignments_within(session, project_id, image_id)


def own_work(store: Store, image_id: str, person: str) -> OwnWork | None:
    """What a person is asked to annotate of an image unseen by others; None: nothing, or they have submitted it.

    All who are asked begin from the same label map: the newest prediction that was there when the first of them was
    asked, else an empty one. No correction: what somebody confirmed there would count as the work of both.
    """
    key = person_key(person)
    with store.database.reading() as session:
        project_id = image_within(session, image_id).project_id
        asked = [assignment for assignment in assignments_within(session, project_id, image_id) if assignment.blind]
        mine = next((each for each in asked if person_key(each.person) == key), None)
        if mine is None or mine.revision_id is not None:
            return None
        first_asked = min(each.assigned_at for each in asked)
        return OwnWork(mine.assigned_by, newest_prediction_within(session, image_id, until=first_asked))


def hidden_revisions(store: Store, project_id: str, person: str, *, image_id: str | None = None) -> frozenset[str]:
    """Corrections that a person may not see yet: of others who annotate the same image blind, beside them.

    They are hidden until each of those who are asked has submitted. Nothing is hidden from people who are not asked.
    """
    key = person_key(person)
    with store.database.reading() as session:
        hiding = _hiding(assignments_within(session, project_id, image_id), key)
        if not hiding:
            return frozenset()
        rows = corrections_within(session, hiding)
    return frozenset(row_id for row_id, image, author in rows if person_key(author) in hiding[image] - {key})


def hidden_authors(store: Store, image_id: str, person: str) -> frozenset[str]:
    """Keys of the people whose work on an image, drafts too, is hidden from a person."""
    with store.database.reading() as session:
        project_id = image_within(session, image_id).project_id
        key = person_key(person)
        return _hiding(assignments_within(session, project_id, image_id), key).get(image_id, frozenset()) - {key}


def require_visible(store: Store, revision_id: str, person: str) -> None:
    """Refuse what a blind assignment hides.

    Raises
    ------
    NotFoundError
        There is no such revision.
    AccessError
        It is hidden from this person as yet.
    """
    revision = store.revisions.get(revision_id)
    if revision.kind is RevisionKind.CORRECTION and person_key(revision.author) in hidden_authors(
        store, revision.image_id, person
    ):
        raise _unseen()


def require_visible_within(session: Transaction, it: Subject, person: str) -> None:
    """`require_visible` within the transaction of what is asked for.

    Raises
    ------
    AccessError
        It is hidden from this person as yet.
    """
    key, author = person_key(person), person_key(it.revision.author)
    hidden = _hiding(assignments_within(session, it.project.id, it.image.id), key).get(it.image.id, frozenset())
    if it.revision.kind is RevisionKind.CORRECTION and author in hidden - {key}:
        raise _unseen()


def _unseen() -> AccessError:
    return AccessError(
        "You are annotating this image independently.",
        "Others' work becomes visible once all annotators have submitted.",
    )


def _require_nothing_begun(session: Transaction, image_id: str, name: str) -> None:
    if any(person_key(author) == person_key(name) for author in open_authors_within(session, image_id)):
        raise ReviewError(
            (f"{name} already has an open draft of this image, but all annotators must start from the same label map."),
            f"Assign the image again once {name} has submitted or discarded the draft.",
        )


def _hiding(rows: Sequence[Assignment], key: str) -> dict[str, frozenset[str]]:
    """By image: everybody who annotates blind, where this person is one of them and somebody has not submitted."""
    by_image: dict[str, list[Assignment]] = defaultdict(list)
    for row in rows:
        if row.blind:
            by_image[row.image_id].append(row)
    result = {}
    for image_id, asked in by_image.items():
        keys = frozenset(person_key(each.person) for each in asked)
        if key in keys and any(each.revision_id is None for each in asked):
            result[image_id] = keys
    return result
