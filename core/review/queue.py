"""The queue of submitted revisions: filtered, with what they change, and the next one for a reviewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.access.roles import Permission, require
from core.review.changes import measured
from core.review.double_annotation import hidden_revisions, require_visible
from core.review.records import Review, ReviewState
from core.review.rows import review, review_of
from core.store.people import person_key
from core.store.store import Store

WAITING = frozenset({ReviewState.SUBMITTED})


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which reviews to list; "" is any.

    Parameters
    ----------
    states
        As they stand.
    author, assignee
        Names; how they are spelt in capitals and spaces does not matter.
    image_id
        Of one image.
    text
        Part of the image's name.
    superseded
        Also those that a newer version has taken the place of.
    """

    states: frozenset[ReviewState] = WAITING
    author: str = ""
    assignee: str = ""
    image_id: str = ""
    text: str = ""
    superseded: bool = False

    def keeps(self, review: Review) -> bool:
        """Whether what SQL cannot compare by name fits."""
        authors = {person_key(name) for name in review.authors}
        return (
            (not self.author or person_key(self.author) in authors)
            and (not self.assignee or person_key(self.assignee) == person_key(review.assignee))
            and self.text.strip().casefold() in review.image_name.casefold()
        )


def queue(
    store: Store, project_id: str, filters: QueueFilter | None = None, *, person: str = "", measure: bool = True
) -> tuple[Review, ...]:
    """The reviews of a project, longest waiting first.

    Parameters
    ----------
    person
        Who looks: what a blind assignment hides from them is left out.
    measure
        Work out changes and effect where nobody has yet; without it they may be None.

    Raises
    ------
    AccessError
        ``person`` may not see the project.
    """
    require(store, project_id, person, Permission.VIEW)
    chosen = filters or QueueFilter()
    submissions = store.reviews.queue(project_id, chosen.states, superseded=chosen.superseded, image_id=chosen.image_id)
    rows = [review_of(submission) for submission in submissions]
    hidden = hidden_revisions(store, project_id, person)
    kept = [row for row in rows if row.revision_id not in hidden and chosen.keeps(row)]
    return measured(store, kept) if measure else tuple(kept)


def opened_review(store: Store, revision_id: str, person: str) -> Review:
    """One review by its id, for a person to look at, its changes and effect worked out.

    Raises
    ------
    NotFoundError
        The revision has no review.
    AccessError
        The person may not see its project, or a blind assignment hides it from them as yet.
    """
    found = review(store, revision_id)
    require(store, found.project_id, person, Permission.VIEW)
    require_visible(store, revision_id, person)
    return measured(store, [found])[0]


def next_review(store: Store, project_id: str, person: str, *, after: str | None = None) -> Review | None:
    """What a reviewer should look at next: what is assigned to them, then what is assigned to nobody.

    Their own work is left out unless the project allows approving it.

    Parameters
    ----------
    after
        The revision that they look at now: the one behind it comes next, and after the last one the first again.

    Raises
    ------
    AccessError
        ``person`` is no reviewer.
    """
    require(store, project_id, person, Permission.REVIEW)
    own_too, key = store.projects.get(project_id).approve_own, person_key(person)
    open_ones = [
        row
        for row in queue(store, project_id, person=person, measure=False)
        if own_too or key not in {person_key(name) for name in row.authors}
    ]
    mine = [row for row in open_ones if row.assignee and person_key(row.assignee) == key]
    anybodys = [row for row in open_ones if not row.assignee]
    return _behind([*mine, *anybodys], after)


def _behind(rows: Sequence[Review], after: str | None) -> Review | None:
    places = [place for place, row in enumerate(rows) if row.revision_id == after]
    others = rows if not places else [*rows[places[0] + 1 :], *rows[: places[0]]]
    return next(iter(others), None)
