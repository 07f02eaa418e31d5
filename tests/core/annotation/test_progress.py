"""How far images are for one person, and which one comes next."""

from __future__ import annotations

import numpy as np

from core.annotation.progress import ImageProgress, Standing, is_to_do, next_image, progress
from core.imaging.image import Image
from core.imaging.pyramid import write_label_pyramid
from core.review.decisions import decide
from core.review.double_annotation import ask_to_annotate
from core.review.records import Decision
from core.store import RevisionKind, Store
from core.store.records import ProjectRecord
from tests.core.review.conftest import add_labels, project, store

__all__ = ["project", "store"]

BLANK = np.zeros((4, 4), np.uint8)


def test_every_standing_as_this_person_may_know_it(store: Store, project: ProjectRecord) -> None:
    names = ("nothing", "segmented", "drafted", "waiting", "asked", "approved", "rejected")
    images = {
        name: store.images.add(project.id, Image(np.full((4, 4), place, np.uint8))) for place, name in enumerate(names)
    }
    begun = store.revisions.begin(images["segmented"].id, RevisionKind.PREDICTION)
    write_label_pyramid(store.revisions.pyramid_path(begun.id), BLANK, pixel_size_nm=8.0)
    store.revisions.complete(begun.id)
    store.drafts.open(images["drafted"].id, "Ada", None)
    made = {name: add_labels(store, images[name], BLANK) for name in ("waiting", "asked", "approved", "rejected")}
    for name, decision in (("asked", Decision.REQUEST_CHANGES), ("rejected", Decision.REJECT)):
        decide(store, made[name].id, "Bo", decision, "look again")
    decide(store, made["approved"].id, "Bo", Decision.APPROVE)

    known = progress(store, project.id, "ada")
    assert images["nothing"].id not in known
    found = {name: known[image.id].standing for name, image in images.items() if image.id in known}
    assert found == {
        "segmented": Standing.SEGMENTED, "drafted": Standing.DRAFT, "waiting": Standing.WAITING,
        "asked": Standing.CHANGES_REQUESTED, "approved": Standing.APPROVED, "rejected": Standing.REJECTED,
    }  # fmt: skip
    assert progress(store, project.id, "Cy")[images["drafted"].id] == ImageProgress(Standing.NOTHING, ("Ada",))


def test_what_one_is_asked_to_annotate_alone_comes_first(store: Store, project: ProjectRecord) -> None:
    image = store.images.add(project.id, Image(BLANK))
    ask_to_annotate(store, image.id, ["Ada", "Dee"], by="Bo")
    known = progress(store, project.id, "ada")
    assert known[image.id] == ImageProgress(Standing.NOTHING, asked=True)
    assert image.id not in progress(store, project.id, "Cy")
    known["draft"], known["done"] = ImageProgress(Standing.DRAFT), ImageProgress(Standing.APPROVED, asked=True)
    assert next_image(["draft", image.id], known, "draft") == image.id
    assert next_image(["draft", "done"], known, "gone") == "done", "what others did before asks for it all the same"
    assert is_to_do(known, "done")
    add_labels(store, image, BLANK, author="Ada")
    assert not progress(store, project.id, "Ada")[image.id].asked


def test_the_next_image_goes_round_and_ends() -> None:
    known = {"a": ImageProgress(Standing.SEGMENTED), "b": ImageProgress(Standing.WAITING)}
    known["c"] = ImageProgress(Standing.DRAFT)
    assert next_image(["a", "b", "c"], known, "a") == "c"
    assert next_image(["a", "b", "c"], known, "c") == "a"
    assert next_image(["b"], known, "b") is None
    assert next_image(["a"], known, "gone") == "a"


def test_images_with_nothing_yet_come_after_those_that_were_begun() -> None:
    """A project without a model has only such images, and its annotators go through all of them."""
    known = {"b": ImageProgress(Standing.WAITING), "d": ImageProgress(Standing.SEGMENTED)}
    ids = ["a", "b", "c", "d"]
    assert next_image(ids, known, "b") == "d"
    known["d"] = ImageProgress(Standing.APPROVED)
    assert next_image(ids, known, "b") == "c"
    assert next_image(ids, known, "c") == "a"
    assert [each for each in ids if is_to_do(known, each)] == ["a", "c"]
