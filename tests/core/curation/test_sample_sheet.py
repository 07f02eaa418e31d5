"""The sample sheet: which images it means, what would change, what is refused, and that nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.access.roles import Role, set_member
from core.curation.sample_sheet import SheetPlan, apply_sheet, plan_sheet, sheet_of
from core.datasets.sample_sheet import MAX_BYTES
from core.errors import AccessError, DatasetError
from core.imaging.image import Image, PixelSize, PixelSizeSource
from core.jobs.rows import job
from core.label_scheme import DEFAULT_SCHEME
from core.review.audit_log import audit_entries
from core.settings import Access, load_settings
from core.spreadsheets import spreadsheet
from core.store import ImageRecord, JobState, ProjectRecord, Store
from core.store.records import Split
from tests.jobs import submit


@pytest.fixture
def project(store: Store) -> ProjectRecord:
    return store.projects.create("liver", DEFAULT_SCHEME)


@pytest.fixture
def images(store: Store, project: ProjectRecord) -> tuple[ImageRecord, ...]:
    """Two files, two planes of a stack."""
    wanted = [("liver_1.tif", "", None), ("Liver_2.TIF", "", None), ("z0", "volume", 0), ("z1", "volume", 1)]
    for number, (name, stack, z_index) in enumerate(wanted):
        image = Image(np.full((4, 5), number, np.uint8), PixelSize.from_user(8.0), name)
        store.images.add(project.id, image, stack=stack, z_index=z_index)
    return store.images.all(project.id)


def fields(plan: SheetPlan) -> dict[str, dict[str, object]]:
    return {change.image.name: dict(change.fields) for change in plan.changes}


@pytest.mark.parametrize("separator", ["\t", ",", ";"])
def test_images_are_found_by_name_with_or_without_ending_or_folder(
    images: tuple[ImageRecord, ...], separator: str
) -> None:
    rows = [("File name", "Mouse ID", "Treatment"), ("LIVER_1", "m1", "control"), ("C:\\data\\liver_2.tif", "m2", "")]
    plan = plan_sheet("\r\n".join(separator.join(row) for row in rows), images)
    assert fields(plan) == {
        "liver_1.tif": {"specimen": "m1", "condition": "control"},
        "Liver_2.TIF": {"specimen": "m2"},
    }
    assert (plan.strays, plan.same, plan.ignored) == ((), 0, ())


def test_the_name_of_a_stack_means_all_its_planes(images: tuple[ImageRecord, ...]) -> None:
    assert list(fields(plan_sheet("image,condition\nvolume,treated", images))) == ["z0", "z1"]


def test_conditions_of_specimens(store: Store, images: tuple[ImageRecord, ...]) -> None:
    for image, specimen in zip(images, ("m1", "m1", "m2", ""), strict=True):
        store.images.update(image.id, specimen=specimen)
    plan = plan_sheet("animal,group\nM1,control\nm2,treated\nm3,treated\n,x", store.images.all())
    assert fields(plan) == {
        "liver_1.tif": {"condition": "control"},
        "Liver_2.TIF": {"condition": "control"},
        "z0": {"condition": "treated"},
    }
    assert plan.strays == ("m3",)


def test_everything_is_taken_over_once(store: Store, images: tuple[ImageRecord, ...]) -> None:
    text = (
        'image,specimen,condition,split,stack,pixel size (nm),age\nliver_1,m,c,Test,,"4,6",12 weeks\nz0,,,,volume,8,\n'
    )
    plan = plan_sheet(text, images)
    assert plan.ignored == ("age",)
    assert plan.same == 1
    assert apply_sheet(store, plan, by="") == 1
    saved = store.images.get(images[0].id)
    assert (saved.specimen, saved.condition, saved.split, saved.stack) == ("m", "c", Split.TEST, "")
    assert saved.pixel_size == PixelSize.from_user(4.6)
    again = plan_sheet(text, store.images.all())
    assert (again.changes, again.same) == ((), 2)
    assert store.images.all()[1:] == images[1:]


def test_a_plane_that_changes_its_stack_keeps_its_place(store: Store, images: tuple[ImageRecord, ...]) -> None:
    apply_sheet(store, plan_sheet("image,stack\nz1,other", images), by="")
    assert (store.images.get(images[3].id).stack, store.images.get(images[3].id).z_index) == ("other", 1)


def test_the_sheet_as_it_is_changes_nothing(store: Store, images: tuple[ImageRecord, ...]) -> None:
    store.images.update(images[0].id, specimen='a "b", c', condition="50 µM; 24 h")
    store.images.update(images[1].id, name=images[0].name, specimen="-/-", condition="@home", split="test")
    store.images.set_pixel_size(images[2].id, PixelSize(7.3242187, PixelSizeSource.FILE, "TIFF"))
    now = store.images.all()
    plan = plan_sheet(spreadsheet(sheet_of(now)), now)
    assert (plan.changes, plan.same, plan.strays) == ((), 4, ())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_letters_survive_what_spreadsheets_write(images: tuple[ImageRecord, ...], encoding: str) -> None:
    plan = plan_sheet("image;condition\nliver_1;2 µM für 24 h".encode(encoding), images)
    assert fields(plan)["liver_1.tif"] == {"condition": "2 µM für 24 h"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("liver_1\tm1\tcontrol", "first row is liver_1, m1, control"),
        ("image\nliver_1", "at least one of"),
        ("specimen,age\nm,3", "at least one of"),
        ("image,group,treatment\nliver_1,a,b", "'group', 'treatment' both contain the condition"),
        ("image,condition\nliver_1,a\nliver_1.tif,b", "'a' and 'b' .row 3."),
        ("image,split\n\nliver_1,val", "no split 'val' .row 3."),
        ("image,pixel_size_nm\nliver_1,eight", "Row 2, pixel size 'eight': 'eight' is not a length"),
        ("image,pixel_size_nm\nliver_1,-8", "-8 is not a positive length"),
        ("image,pixel_size_nm\nliver_1,nan", "'nan' is not a length"),
        ("image,pixel_size_nm\nliver_1,0.0046", "0.0046 nm per pixel is not plausible"),
        ('image,pixel_size_nm\nliver_1,"1,000"', "is ambiguous"),
        ("image,pixel_size_nm\nliver_1,4,6", "Row 2 has 3 cells"),
        ('image\tcondition\nliver_1\t"x\nliver_2\ty', "quotation mark"),
        (b"PK\x03\x04\x00sheet", "not a text table"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not a text table"),
        ("x" * (MAX_BYTES + 1), "bytes"),
    ],
)
def test_what_cannot_be_meant_is_refused(images: tuple[ImageRecord, ...], text: str | bytes, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        plan_sheet(text, images)


def test_dots_in_names_are_no_endings(store: Store, project: ProjectRecord) -> None:
    for number, name in enumerate(("M1_0.1", "M1_0.2")):
        store.images.add(project.id, Image(np.full((4, 5), number, np.uint8), name=name))
    plan = plan_sheet("image,condition\nM1_0.9,treated\nM1_0.2.tif,control", store.images.all())
    assert fields(plan) == {"M1_0.2": {"condition": "control"}}
    assert plan.strays == ("M1_0.9",)


def test_of_several_images_of_one_name_only_ids_can_tell(store: Store, project: ProjectRecord) -> None:
    for number in range(2):
        store.images.add(project.id, Image(np.full((4, 5), number, np.uint8), name="img_01"))
    first, second = store.images.all()
    plan = plan_sheet("image,condition\ncontrol/img_01.tif,control\ntreated/img_01.tif,treated", (first, second))
    assert (plan.changes, plan.strays) == ((), ())
    assert plan.unclear == ("control/img_01.tif", "treated/img_01.tif")
    plan = plan_sheet(f"image_id,condition\n{second.id},treated\nunknown,x", (first, second))
    assert [(change.image.id, change.fields["condition"]) for change in plan.changes] == [(second.id, "treated")]
    assert plan.strays == ("unknown",)


@pytest.mark.parametrize(
    "text",
    [
        "\timage\tcondition\n1\tliver_1\ttreated",  # numbers of rows before, as R writes them
        "sep=;\nimage;condition\nliver_1;treated",
        "PK\timage\tcondition\n1\tliver_1\ttreated",
        "image,condition,split\nliver_1,treated,Pool\nliver_1,treated,pool",
    ],
)
def test_what_programs_add_is_no_part_of_the_sheet(images: tuple[ImageRecord, ...], text: str) -> None:
    assert fields(plan_sheet(text, images)) == {"liver_1.tif": {"condition": "treated"}}


def test_letters_of_two_parts_are_those_of_one(store: Store, project: ProjectRecord) -> None:
    store.images.add(project.id, Image(np.zeros((4, 5), np.uint8), name="Müller"))
    assert not plan_sheet("image,condition\nMu\u0308ller,c", store.images.all()).strays


def test_what_is_too_long_is_cut_once(store: Store, images: tuple[ImageRecord, ...]) -> None:
    text = f"image,condition\nliver_1,{'x' * 300}"
    apply_sheet(store, plan_sheet(text, images), by="")
    assert plan_sheet(text, store.images.all()).same == 1


def test_only_those_who_manage_may_even_where_only_pixel_sizes_change(tmp_path: Path) -> None:
    folders = {"data_dir": tmp_path / "data", "models_dir": tmp_path / "models", "min_free_bytes": 0}
    store = Store(load_settings(**folders, access=Access.ROLES, admins="Root"))
    project = store.projects.create("liver", DEFAULT_SCHEME)
    image = store.images.add(project.id, Image(np.zeros((4, 5), np.uint8), PixelSize.from_user(8.0), "a"))
    set_member(store, project.id, "Ada", Role.ANNOTATOR, by="Root")
    plan = plan_sheet("image,pixel_size_nm\na,4", [image])
    with pytest.raises(AccessError, match="Ada"):
        apply_sheet(store, plan, by="Ada")
    assert store.images.get(image.id) == image
    assert apply_sheet(store, plan, by="Root") == 1
    assert [each.what for each in audit_entries(store, project.id, by="Root")][-1] == "image_changed"
    store.close()


def test_a_prediction_under_way_with_another_pixel_size_is_cancelled(
    store: Store, images: tuple[ImageRecord, ...]
) -> None:
    rows = [submit("predict", {"image_id": image.id}, store=store) for image in images[:2]]
    apply_sheet(store, plan_sheet("image,pixel_size_nm,condition\nliver_1,4,\nliver_2,,c", images), by="")
    assert [job(row.id, store=store).state for row in rows] == [JobState.CANCELLED, JobState.QUEUED]


def test_a_pixel_size_becomes_that_of_all_planes(store: Store, images: tuple[ImageRecord, ...]) -> None:
    """One plane of a stack got a size of its own, and kept the predictions of the others."""
    apply_sheet(store, plan_sheet("image,pixel_size_nm\nz0,0.004 µm", images), by="")
    assert [image.pixel_size.nm for image in store.images.all()] == [8.0, 8.0, 4.0, 4.0]
    with pytest.raises(DatasetError, match=r"stack volume get several pixel sizes: 4 nm \(z0\) and 5 nm \(z1\)\."):
        plan_sheet("image,pixel_size_nm\nz0,4\nz1,5", images)


def test_a_plane_gets_the_size_in_the_stack_that_the_sheet_puts_it_into(
    store: Store, images: tuple[ImageRecord, ...]
) -> None:
    apply_sheet(store, plan_sheet("image,pixel_size_nm,stack\nz1,4,other", images), by="")
    assert [image.pixel_size.nm for image in store.images.all()] == [8.0, 8.0, 8.0, 4.0]
