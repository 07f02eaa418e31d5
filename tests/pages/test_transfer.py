"""The dialog that copies and moves images to another project says what happens before it does."""

from __future__ import annotations

import numpy as np
from streamlit.testing.v1 import AppTest

from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import jobs
from core.jobs.transitions import claim, succeed
from core.label_scheme import LabelScheme
from core.store.records import ImageRecord, RevisionKind
from core.store.store import Store
from tests.pages.conftest import open_page, texts


def test_what_is_lost_is_named_before_images_are_copied(store: Store, image: ImageRecord, app: AppTest) -> None:
    other = store.projects.create("Other", LabelScheme.from_names({"mitochondria": 4, "Golgi": 5}))
    labels = np.zeros(image.shape_yx, np.uint8)
    labels[:5] = 2
    revision = store.revisions.begin(image.id, RevisionKind.REFERENCE)
    write_label_pyramid(store.revisions.pyramid_path(revision.id), labels, pixel_size_nm=8.0)
    store.revisions.complete(revision.id, coverage=[{"class_id": 2, "name": "x", "pixels": 480}])
    lost = store.projects.get(image.project_id).scheme[2].name
    page = open_page(app, "segment_page.py", project=image.project_id)
    page.toggle[0].set_value(True).run()
    next(box for box in page.checkbox if box.label.startswith("Select liver")).check().run()
    next(button for button in page.button if button.label == "Copy or move").click().run()
    assert not page.exception
    said = texts(page)
    assert f"The class {lost} will be lost in 1 image, because Other does not have it." in said
    assert "Other also has Golgi" in said
    next(button for button in page.button if button.label == "Copy 1 image").click().run()
    assert not page.exception
    (row,) = jobs(kinds=["transfer"])
    assert row.params == {
        "project_id": image.project_id, "target_id": other.id, "image_ids": [image.id], "mode": "copy",
    }  # fmt: skip
    assert claim(store, row, "here") and succeed(store, row.id, 1, {"went": [image.id], "stayed": []})
    page.run()
    assert "**1 image copied** to Other." in texts(page), "what came of it is told, with the way there"
    assert any(link.proto.label == "Open Other" for link in page.get("page_link"))
    next(button for button in page.button if button.label == "Close").click().run()
    assert "copied" not in texts(page)
