"""How far the images of a project are, as one person may know it, and which one to go to next."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.review.double_annotation import assignments, hidden_authors, hidden_revisions
from core.review.records import ReviewState
from core.store.people import person_key
from core.store.records import RevisionKind
from core.store.store import Store


class Standing(StrEnum):
    """Where an image stands for one person."""

    DRAFT = "draft"
    """This person has begun and not submitted."""
    CHANGES_REQUESTED = "changes requested"
    WAITING = "waiting"
    """A correction waits for review."""
    APPROVED = "approved"
    REJECTED = "rejected"
    SEGMENTED = "segmented"
    """There is a prediction and nobody has corrected it."""
    REFERENCE = "reference"
    """There is a reference and no prediction."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class ImageProgress:
    """How far an image is.

    Parameters
    ----------
    standing
        For this person.
    others
        Names of the others who have a draft of it.
    asked
        This person is asked to annotate it on their own and has not submitted: it comes first.
    """

    standing: Standing
    others: tuple[str, ...] = ()
    asked: bool = False


TO_DO = (Standing.DRAFT, Standing.CHANGES_REQUESTED, Standing.REJECTED, Standing.SEGMENTED)
"""What an annotator can go on with; after these come images with no label map at all."""

_BY_REVIEW = {
    ReviewState.CHANGES_REQUESTED: Standing.CHANGES_REQUESTED,
    ReviewState.SUBMITTED: Standing.WAITING,
    ReviewState.APPROVED: Standing.APPROVED,
    ReviewState.REJECTED: Standing.REJECTED,
}


def progress(store: Store, project_id: str, person: str) -> dict[str, ImageProgress]:
    """Every image of a project that has a label map or a draft or is asked of this person; others have nothing.

    The newest correction counts that is neither withdrawn nor replaced by a newer version of itself. What a blind
    assignment hides from this person is left out.
    """
    kinds = store.revisions.kinds_of_project(project_id)
    reviews = _newest_reviews(store, project_id, hidden_revisions(store, project_id, person))
    drafts = store.drafts.authors_of_project(project_id)
    blind = [assignment for assignment in assignments(store, project_id) if assignment.blind]
    together = {each.image_id for each in blind}
    key = person_key(person)
    asked = {each.image_id for each in blind if person_key(each.person) == key and each.revision_id is None}
    found = {}
    for image_id in {*kinds, *drafts, *asked}:
        authors = drafts.get(image_id, ())
        hidden = hidden_authors(store, image_id, person) if image_id in together else frozenset()
        others = tuple(name for name in authors if person_key(name) not in hidden | {key})
        if key in map(person_key, authors):
            standing = Standing.DRAFT
        elif image_id in reviews:
            standing = _BY_REVIEW[reviews[image_id]]
        else:
            standing = _by_kind(kinds.get(image_id, frozenset()))
        found[image_id] = ImageProgress(standing, others, image_id in asked)
    return found


def standing_of(known: Mapping[str, ImageProgress], image_id: str) -> Standing:
    """Where an image stands; `progress` lists none that has nothing."""
    return known[image_id].standing if image_id in known else Standing.NOTHING


def is_asked(known: Mapping[str, ImageProgress], image_id: str) -> bool:
    """Whether this person is asked to annotate an image on their own."""
    return image_id in known and known[image_id].asked


def is_to_do(known: Mapping[str, ImageProgress], image_id: str) -> bool:
    """Whether somebody can go on with an image: one asked of them, a prediction to correct, a draft, or nothing yet."""
    return is_asked(known, image_id) or standing_of(known, image_id) in (*TO_DO, Standing.NOTHING)


def next_image(
    ids: Sequence[str], known: Mapping[str, ImageProgress], after: str, *, last: Collection[str] = ()
) -> str | None:
    """The image to go on with after one, in the list's order and round to its beginning; None where all are done.

    Those that this person is asked to annotate come first; images with nothing yet when the others are done.

    Parameters
    ----------
    last
        Images that come when all others are done: those of the test set, of which no model learns.

    Examples
    --------
    >>> known = {"a": ImageProgress(Standing.SEGMENTED), "b": ImageProgress(Standing.APPROVED)}
    >>> next_image(["a", "b", "c"], known, "b")
    'a'
    >>> next_image(["a", "b", "c"], known, "a")
    'c'
    >>> next_image(["a", "b", "c"], known, "b", last=["a"])
    'c'
    >>> next_image(["a", "b"], known, "a") is None
    True
    """
    order = list(_round_from(ids, after))
    own = next((each for each in order if is_asked(known, each)), None)
    if own is not None:
        return own
    for others in (False, True):
        for wanted in (TO_DO, (Standing.NOTHING,)):
            for each in order:
                if (each in last) is others and standing_of(known, each) in wanted:
                    return each
    return None


def _round_from(ids: Sequence[str], after: str) -> Iterator[str]:
    """All but one, beginning behind it."""
    start = ids.index(after) if after in ids else -1
    yield from ids[start + 1 :]
    yield from ids[: max(start, 0)]


def _by_kind(kinds: frozenset[RevisionKind]) -> Standing:
    if RevisionKind.PREDICTION in kinds:
        return Standing.SEGMENTED
    return Standing.REFERENCE if RevisionKind.REFERENCE in kinds else Standing.NOTHING


def _newest_reviews(store: Store, project_id: str, hidden: frozenset[str]) -> dict[str, ReviewState]:
    """State of the newest correction that counts, by image."""
    return {
        review.image_id: review.state
        for review in store.reviews.of_project(project_id)
        if review.superseded_by is None
        and review.state is not ReviewState.WITHDRAWN
        and review.revision_id not in hidden
    }
