"""The questions "one or two?" of stored label maps, in the classes of their projects."""

from __future__ import annotations

from core.errors import LabelMapError
from core.morphometry.doubts import Doubts
from core.objects.questions import Questions
from core.store.label_maps import translation_of
from core.store.records import RevisionRecord
from core.store.store import Store


def questions_of(store: Store, revision: RevisionRecord) -> Questions | None:
    """The doubtful places of a label map; None where it was never looked for any.

    Raises
    ------
    LabelMapError
        Their file is damaged, or the label map's classes have no counterpart in the project.
    """
    questions = Questions.load(store.revisions.questions_path(revision.id))
    if questions is None:
        return None
    translation = translation_of(store, revision)
    return questions if translation.identity else questions.translated(translation.lookup())


def doubts_of(store: Store, revision: RevisionRecord) -> Doubts:
    """What counts of a label map need of its unanswered questions; nothing where they cannot be read."""
    try:
        questions = questions_of(store, revision)
    except LabelMapError:
        return Doubts.none()
    return Doubts.none() if questions is None else questions.doubts()
