"""The Measure page: what it offers, what its button queues, what it says of objects, who finds what."""

from __future__ import annotations

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import core.engine.runner as runner
from core.datasets.case import Split
from core.errors import StorageFullError
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.jobs.rows import jobs
from core.jobs.transitions import claim, fail
from core.label_scheme import LabelScheme
from core.measurements.smallest import speck
from core.measurements.sources import REFERENCES, Source, SourceKind, sources
from core.measurements.start import start_measuring
from core.models.store import ModelStore
from core.morphometry.edges import box_fits, edge_weights
from core.morphometry.objects import CONTACT_NM
from core.objects.rules import ObjectRule, ObjectRules
from core.rounds.promotion import promote_model
from core.store.records import ImageRecord, JobRecord, ProjectRecord, RevisionKind
from core.store.store import Store
from tests.models import write_model
from tests.pages.conftest import open_page, texts
from ui.errors import plain

PAGE = "measure_page.py"
SCHEME = LabelScheme.from_names({"mitochondria": 1, "ER": 2})

WHOLE_PX = float(np.average([30, 20], weights=edge_weights(box_fits(np.array([5, 4]), np.array([6, 5]), (64, 96)))))
"""Mean area of the whole mitochondria of an image, weighted for the edge."""


@pytest.fixture
def project(store: Store, monkeypatch: pytest.MonkeyPatch) -> ProjectRecord:
    monkeypatch.setattr(runner, "current_store", lambda: store)
    return store.projects.create("Liver", SCHEME)


def labelled(
    store: Store, project: ProjectRecord, name: str, *, nm: float | None = 100.0, specimen: str = ""
) -> ImageRecord:
    """An image with two mitochondria of 30 and 20 px inside, one of 20 px at the edge, a speck, and ER of 48 px."""
    pixels = np.full((64, 96), len(store.images.all(project.id)), np.uint8)
    size = PixelSize() if nm is None else PixelSize.from_user(nm)
    image = store.images.add(project.id, Image(pixels, size, name), specimen=specimen)
    labels = np.zeros((64, 96), np.uint8)
    labels[10:15, 10:16] = 1
    labels[10:14, 30:35] = 1
    labels[40:44, 0:5] = 1
    labels[50, 50] = 1
    labels[20, 10:58] = 2
    begun = store.revisions.begin(image.id, RevisionKind.REFERENCE)
    write_label_pyramid(store.revisions.pyramid_path(begun.id), labels, pixel_size_nm=nm)
    store.revisions.complete(begun.id)
    return image


def measure(store: Store, project: ProjectRecord) -> JobRecord:
    """All references, now."""
    row = start_measuring(store, project.id, sources(store, project.id)[REFERENCES], CONTACT_NM)
    assert claim(store, row, "here")
    runner.run_job(row.id, 1)
    return row


def test_without_label_maps_it_says_where_they_come_from(app: AppTest, project: ProjectRecord) -> None:
    page = open_page(app, PAGE)
    assert not page.exception
    assert "No label maps in this project yet" in texts(page)


def test_without_a_project_it_says_how_to_begin(app: AppTest, store: Store) -> None:
    assert "No project yet" in texts(open_page(app, PAGE))


def test_the_button_queues_what_is_missing(app: AppTest, store: Store, project: ProjectRecord) -> None:
    image = labelled(store, project, "a")
    page = open_page(app, PAGE, project=project.id)
    page.button(key="measure-start").click().run()
    (row,) = jobs(kinds=["measure"], store=store)
    assert row.params["project_id"] == project.id
    assert row.params["contact_nm"] == CONTACT_NM
    assert row.params["name"] == "Reference labels"
    assert row.params["revision_ids"] == [store.revisions.of_image(image.id)[0].id]
    assert not [button for button in page.button if button.key == "measure-start"]  # it is under way


def test_figures_with_n_units_and_what_was_left_out(app: AppTest, store: Store, project: ProjectRecord) -> None:
    for name, specimen in (("a", "mouse 1"), ("b", "mouse 2")):
        labelled(store, project, name, specimen=specimen)
    measure(store, project)
    page = open_page(app, PAGE, project=project.id)
    assert not page.exception
    said = texts(page)
    assert "6 in 2 images, of which 2 cut off (excluded); 2 smaller objects excluded" in said
    assert "0.251 µm²" in said  # the weighted mean of 0.30 and 0.20
    assert "2 specimens" in said
    assert "With 2 specimens no interval can be given" in said
    shown = next(frame for frame in page.dataframe if "objects_per_100_um2" in frame.value.columns)
    table = shown.value
    assert set(table.columns) <= set(json.loads(shown.proto.columns)), "every column has a title in words"
    assert table["image"].tolist() == ["a", "b"]
    assert table["measured"].tolist() == [2, 2]
    assert table["area_um2_mean"].tolist() == pytest.approx([WHOLE_PX / 100] * 2)
    objects = next(frame.value for frame in page.dataframe if "Area (µm²)" in frame.value.columns)
    assert objects["Area (µm²)"].tolist() == pytest.approx([0.3, 0.2])


def test_the_smallest_object_that_a_model_learned_is_proposed_class_by_class(
    app: AppTest, store: Store, project: ProjectRecord
) -> None:
    labelled(store, project, "a")
    measure(store, project)
    models = ModelStore(store.settings.models_dir)
    model = write_model(store.settings.models_dir / "lab", scheme=project.scheme)
    first, second = project.scheme.classes[0].id, project.scheme.classes[1].id
    models.set_object_rules(model.id, ObjectRules((ObjectRule(class_id=first, smallest=0.25),)))
    promote_model(store, project.id, model.id, "ada", "best")
    page = open_page(app, PAGE, project=project.id, **{"class": str(first)})
    smallest = page.number_input(key="measure-smallest-µm²")
    assert smallest.value == pytest.approx(0.25)
    assert "is the smallest object size that" in smallest.help
    page.number_input(key="measure-smallest-µm²").set_value(0.01).run()
    assert page.query_params["least_um2"] == "0.01"
    page.segmented_control(key="measure-class").set_value(str(second)).run()
    assert "least_um2" not in page.query_params
    assert page.number_input(key="measure-smallest-µm²").value == pytest.approx(0.2)  # 20 px: it has no rule


def test_choices_stand_in_the_address_and_come_back(app: AppTest, store: Store, project: ProjectRecord) -> None:
    labelled(store, project, "a")
    measure(store, project)
    asked = {"project": project.id, "measure": "distance_to_ER", "whole": "no", "least_um2": "0"}
    page = open_page(app, PAGE, **asked)
    assert page.selectbox(key="measure-measure").value == "distance_to_ER"
    assert page.toggle(key="measure-whole").value is False
    assert page.number_input(key="measure-smallest-µm²").value == 0
    assert "4 in 1 image, of which 1 cut off" in texts(page)
    page.toggle(key="measure-whole").set_value(True).run()
    page.number_input(key="measure-smallest-µm²").set_value(0.25).run()
    assert "whole" not in page.query_params
    assert page.query_params["least_um2"] == "0.25"
    assert "1 in 1 image; 3 smaller objects excluded" in texts(page)


@pytest.mark.parametrize("value", ["far", "-3", "nan", "1e12"])
def test_a_senseless_contact_in_the_address_counts_as_the_usual_one(
    app: AppTest, store: Store, project: ProjectRecord, value: str
) -> None:
    labelled(store, project, "a")
    measure(store, project)
    page = open_page(app, PAGE, project=project.id, contact=value)
    assert not page.exception
    assert page.number_input(key="measure-contact").value == CONTACT_NM


def test_another_contact_distance_asks_to_measure_again(app: AppTest, store: Store, project: ProjectRecord) -> None:
    labelled(store, project, "a")
    measure(store, project)
    page = open_page(app, PAGE, project=project.id)
    page.number_input(key="measure-contact").set_value(50.0).run()
    assert page.query_params["contact"] == "50"
    said = texts(page)
    assert "Contacts or distances of 1 label map were measured with another contact distance" in said
    assert "0.250 µm²" in said  # areas hold
    page.button(key="measure-start").click().run()
    assert jobs(kinds=["measure"], store=store)[0].params["contact_nm"] == 50.0


def test_without_a_pixel_size_everything_is_in_pixels(app: AppTest, store: Store, project: ProjectRecord) -> None:
    labelled(store, project, "a", nm=None)
    measure(store, project)
    page = open_page(app, PAGE, project=project.id)
    assert not page.exception
    assert "The pixel size is unknown" in texts(page)
    assert "25.0 px" in texts(page)
    assert "contact_with_ER" not in page.selectbox(key="measure-measure").options


def test_images_without_a_pixel_size_are_named_beside_others(
    app: AppTest, store: Store, project: ProjectRecord
) -> None:
    labelled(store, project, "a")
    labelled(store, project, "no size", nm=None)
    measure(store, project)
    said = texts(open_page(app, PAGE, project=project.id))
    assert plain("1 image without a pixel size excluded: no size") in said


def test_a_measure_that_is_defined_nowhere_says_so(app: AppTest, store: Store, project: ProjectRecord) -> None:
    labelled(store, project, "a")
    measure(store, project)
    page = open_page(app, PAGE, project=project.id, measure="contact_with_ER", contact="50")
    assert not page.exception
    assert "undefined for all of these objects" in texts(page)
    assert "confidence" not in page.selectbox(key="measure-measure").options  # references have none


def test_pixels_in_the_address_do_not_become_square_micrometres(
    app: AppTest, store: Store, project: ProjectRecord
) -> None:
    image = labelled(store, project, "a", nm=None)
    measure(store, project)
    page = open_page(app, PAGE, project=project.id, least_px="25")
    assert "1 in 1 image" in texts(page)
    store.images.set_pixel_size(image.id, PixelSize.from_user(100.0))
    page = open_page(app, PAGE, project=project.id, least_px="25")
    assert page.number_input(key="measure-smallest-µm²").value == pytest.approx(0.2)


def test_images_of_one_name_can_both_be_chosen(app: AppTest, store: Store, project: ProjectRecord) -> None:
    images = [labelled(store, project, "same") for _ in range(2)]
    measure(store, project)
    page = open_page(app, PAGE, project=project.id)
    for image in reversed(images):  # the first one is shown already
        page.selectbox(key="measure-image").set_value(image.id).run()
        assert page.query_params["image"] == image.id


@pytest.mark.parametrize("nm", [1.0, 1.7, 2.3, 4.6, 8.0, 19.9, 180.0])
def test_objects_of_just_the_smallest_size_count(nm: float) -> None:
    assert 0.98 * 20 * nm**2 / 1e6 < speck(nm) <= 20 * nm**2 / 1e6


def test_why_a_measurement_failed_is_said_beside_the_button(app: AppTest, store: Store, project: ProjectRecord) -> None:
    labelled(store, project, "a")
    row = start_measuring(store, project.id, sources(store, project.id)[REFERENCES], CONTACT_NM)
    assert claim(store, row, "here")
    fail(store, row.id, StorageFullError("The disk is full.", "Make room."))
    page = open_page(app, PAGE, project=project.id)
    assert "The disk is full" in texts(page)
    assert page.button(key="measure-start")


def test_a_models_bias_on_test_images_stands_beside_and_can_be_taken_out(
    app: AppTest, store: Store, project: ProjectRecord
) -> None:
    for number in range(3):
        image = labelled(store, project, f"image {number}", specimen=f"m{number}")
        store.images.update(image.id, split=Split.TEST)
        labels = np.zeros((64, 96), np.uint8)
        labels[10:15, 10:22] = 1  # twice as long as the reference has it
        labels[10:14, 30:40] = 1
        begun = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="starter")
        write_label_pyramid(store.revisions.pyramid_path(begun.id), labels, pixel_size_nm=100.0)
        store.revisions.complete(begun.id)
    source = Source(SourceKind.MODEL, "starter")
    made = start_measuring(store, project.id, sources(store, project.id)[source], CONTACT_NM)
    assert claim(store, made, "here")
    runner.run_job(made.id, 1)
    page = open_page(app, PAGE, project=project.id, labels=source.key, least_um2="0.05")
    assert not page.exception
    assert "3 label maps of the test images must be measured" in texts(page)
    page.button(key="measure-bias-start").click().run()
    row = next(iter(jobs(project_id=project.id, limit=1, store=store)))
    assert claim(store, row, "here")
    runner.run_job(row.id, 1)
    page = open_page(app, PAGE, project=project.id, labels=source.key, least_um2="0.05")
    assert "Bias of the model on 3 test images" in texts(page)
    assert "against reference labels" in texts(page)
    assert "Mean area, corrected for bias" not in texts(page)
    page.toggle(key="measure-corrected").set_value(True).run()
    said = texts(page)
    assert "Mean area, corrected for bias" in said
    whole = f"{WHOLE_PX / 100:.3g}"
    assert f"{whole} µm²" in said, "the mean of the model is that of people again"
    references = open_page(app, PAGE, project=project.id, labels="reference")
    assert "Bias of the model" not in texts(references)


def groups(store: Store, project: ProjectRecord, *images: tuple[str, str]) -> None:
    """Images of specimens in conditions, each a little different, and measured."""
    for number, (specimen, condition) in enumerate(images):
        image = labelled(store, project, f"image {number}", specimen=specimen, nm=100.0 + 4 * number)
        store.images.update(image.id, condition=condition)
    measure(store, project)


def test_conditions_are_compared_over_specimens(app: AppTest, store: Store, project: ProjectRecord) -> None:
    groups(store, project, ("m1", "treated"), ("m2", "treated"), ("m3", "control"), ("m4", "control"), ("m5", ""))
    page = open_page(app, PAGE, project=project.id, least_um2="0.05")
    assert not page.exception
    said = texts(page)
    assert page.selectbox(key="measure-reference").value == "control"
    assert "Difference, treated from control" in said
    assert "Welch's t-test over specimens" in said
    assert "2 specimens, 2 images, 6 objects, of which 2 cut off (excluded)" in said
    assert "1 image without a condition excluded" in said
    assert "All measures of mitochondria compared with control" in said
    assert "With 2 specimens in a condition their spread is hardly known" in said
    assert "a true increase of 30 % is found in" in said.replace("\\", "")
    table = next(frame.value for frame in page.dataframe if "p adjusted" in frame.value.columns)
    area = table[table["Measure"] == "Area (µm²)"].iloc[0]
    assert area["Reference"] == pytest.approx(WHOLE_PX / 100 * (1.08**2 + 1.12**2) / 2)
    assert area["Mean"] == pytest.approx(WHOLE_PX / 100 * (1 + 1.04**2) / 2)
    assert area["p"] < area["p adjusted"] <= 1

    page.selectbox(key="measure-reference").set_value("treated").run()
    assert page.query_params["reference"] == "treated"
    assert "Difference, control from treated" in texts(page)
    page.segmented_control(key="measure-columns").set_value("All images").run()
    assert page.query_params["columns"] == "All images"
    assert "10 in 5 images" not in texts(page)
    assert "15 in 5 images" in texts(page)
    assert not [frame for frame in page.dataframe if "p adjusted" in frame.value.columns]


def test_specimens_in_both_conditions_are_pairs_and_it_says_so(
    app: AppTest, store: Store, project: ProjectRecord
) -> None:
    groups(store, project, ("1", "before"), ("2", "before"), ("1", "after"), ("2", "after"))
    said = texts(open_page(app, PAGE, project=project.id))
    assert "Difference, after from before" in said
    assert "paired t-test over 2 specimens" in said
    assert "If they are different animals, give them different names" in said


def test_specimens_in_one_and_in_both_fit_no_test(app: AppTest, store: Store, project: ProjectRecord) -> None:
    groups(store, project, ("1", "before"), ("2", "before"), ("1", "after"), ("3", "after"))
    said = texts(open_page(app, PAGE, project=project.id))
    assert "1 occur in both after and before, other specimens in only one, so neither a" in said.replace("\\", "")
    assert "p = " not in said


def test_without_specimens_images_count_and_it_warns(app: AppTest, store: Store, project: ProjectRecord) -> None:
    groups(store, project, ("", "a"), ("", "a"), ("", "b"))
    said = texts(open_page(app, PAGE, project=project.id))
    assert "of 3 images is not recorded, so no interval of the difference and no p value can be given" in said
    assert "p = " not in said


def test_stacks_are_no_specimens_and_it_warns(app: AppTest, store: Store, project: ProjectRecord) -> None:
    groups(store, project, ("", "a"), ("", "a"), ("", "b"), ("", "b"))
    for number, image in enumerate(store.images.all(project.id)):
        store.images.update(image.id, stack="mouse", z_index=number)
    said = texts(open_page(app, PAGE, project=project.id))
    assert "of 4 images is not recorded, so no interval of the difference and no p value can be given" in said
    assert "No intervals or p values can be given; see the note above" in said
    assert "the test is paired" not in said


def test_names_that_differ_in_spelling_are_pointed_out(app: AppTest, store: Store, project: ProjectRecord) -> None:
    groups(store, project, ("m1", "Control"), ("M1", "control"))
    said = texts(open_page(app, PAGE, project=project.id))
    assert "Conditions that differ only in spelling count as different: Control, control" in said
    assert "Specimens that differ only in spelling count as different: M1, m1" in said


def test_without_conditions_it_says_how_to_record_them(app: AppTest, store: Store, project: ProjectRecord) -> None:
    groups(store, project, ("1", "control"), ("2", "control"))
    page = open_page(app, PAGE, project=project.id)
    assert "record the condition and specimen of every image on the Data page" in texts(page)
    assert "measure-columns" not in [each.key for each in page.segmented_control]


def test_columns_that_say_nothing_are_not_shown(app: AppTest, store: Store, project: ProjectRecord) -> None:
    groups(store, project, ("", "a"), ("", "a"))

    def hidden() -> set[str]:
        page = open_page(app, PAGE, project=project.id)
        (table,) = (each for each in page.dataframe if "objects_per_100_um2" in each.value.columns)
        return {name for name, config in json.loads(table.proto.columns).items() if config.get("hidden")}

    assert {"specimen", "stack", "condition"} & hidden() == {"specimen", "stack"}
    for number, image in enumerate(store.images.all(project.id)):
        store.images.update(image.id, stack="volume", z_index=number)
    assert {"specimen", "stack", "condition"} & hidden() == {"specimen"}
