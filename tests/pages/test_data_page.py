"""The Data page: projects, previews before anything is written, edits, trash."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image as PilImage
from streamlit.testing.v1 import AppTest

from core.datasets.case import Split
from core.datasets.image_facts import ImageFacts
from core.datasets.import_check import check_import
from core.datasets.import_plan import plan_import
from core.errors import JobError, LabelMapError
from core.imaging.image import Image, PixelSizeSource
from core.imaging.pyramid import open_pyramid, write_label_pyramid
from core.jobs.rows import jobs, new_job
from core.jobs.transitions import claim, fail, succeed
from core.label_scheme import DEFAULT_SCHEME
from core.store import ImageRecord, RevisionKind, Store
from core.store.images import Images
from tests.jobs import params, submit
from tests.pages.conftest import open_page, texts
from ui.data.preview import Defaults, _row, chosen_cases, unknown_sizes
from ui.data.table import matching, rows, save_edits, typed_sizes
from ui.parts.scheme import filled_in, scheme_of_rows

PAGE = "data_page.py"


def _button(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()


def _folder(path: Path) -> Path:
    for part in ("images", "labels"):
        (path / part).mkdir(parents=True)
    for number in range(2):
        PilImage.fromarray(np.full((4, 5), number, np.uint8)).save(path / "images" / f"liver_{number}.png")
    PilImage.fromarray(np.ones((4, 5), np.uint8)).save(path / "labels" / "liver_0.png")
    PilImage.fromarray(np.ones((4, 4), np.uint8)).save(path / "labels" / "liver_1.png")
    return path


def test_without_a_project_one_is_offered(store: Store, app: AppTest) -> None:
    app = open_page(app, PAGE)
    assert "Create a project to start" in texts(app)
    _button(app, "New project")
    assert not app.exception
    assert [field.label for field in app.text_input][:3] == [
        "Name",
        "Usual pixel size (nm per pixel)",
        "Name of class 1",
    ]
    assert any(button.label == "Create project" for button in app.button)
    assert store.projects.all() == ()


def test_a_folder_is_previewed_then_imported(store: Store, app: AppTest, tmp_path: Path) -> None:
    project = store.projects.create("one", DEFAULT_SCHEME, 8.0)
    app = open_page(app, PAGE, project=project.id)
    app.segmented_control(key="data-way").set_value("Folder on the server").run()
    app.text_input(key="data-folder-0").set_value(str(_folder(tmp_path / "in"))).run()
    assert not app.exception
    assert "**2 images**, **2** with labels, **1** refused" in texts(app)
    assert "1 file cannot be imported" in texts(app).replace("**", "")
    assert "liver\\_1.png is 4 x 4 px" in texts(app)
    assert jobs() == ()
    assert store.images.all() == ()
    _button(app, "Import 1 image")
    (job,) = jobs()
    assert job.kind == "import_cases"
    (case,) = job.params["cases"]
    assert (case["name"], case["split"], case["pixel_size_nm"]) == ("liver_0", "train", 8.0)


def test_grey_values_are_named_for_all_label_images(store: Store, app: AppTest, tmp_path: Path) -> None:
    folder = _folder(tmp_path / "in")
    PilImage.fromarray(np.full((4, 5), 127, np.uint8)).save(folder / "labels" / "liver_0.png")
    project = store.projects.create("one", DEFAULT_SCHEME, 8.0)
    app = open_page(app, PAGE, project=project.id)
    app.segmented_control(key="data-way").set_value("Folder on the server").run()
    app.text_input(key="data-folder-0").set_value(str(folder)).run()
    assert "**2** refused" in texts(app), "no class has the number 127"
    app.text_input(key="data-values").set_value("127 = nuclei").run()
    assert "There is no class" in texts(app)
    app.text_input(key="data-values").set_value("127 = nucleus, 255 = ignore").run()
    assert "**1** refused" in texts(app)
    _button(app, "Import 1 image")
    (job,) = jobs()
    assert job.params["cases"][0]["values"] == [[127, 2], [255, 255]]


def test_a_folder_that_is_not_there_is_explained(store: Store, app: AppTest, tmp_path: Path) -> None:
    store.projects.create("one", DEFAULT_SCHEME)
    app = open_page(app, PAGE)
    app.segmented_control(key="data-way").set_value("Folder on the server").run()
    app.text_input(key="data-folder-0").set_value(str(tmp_path / "absent")).run()
    assert "not on this server" in app.error[0].value
    assert not app.exception


def test_edits_in_the_preview_reach_the_job(tmp_path: Path) -> None:
    plan = plan_import(_folder(tmp_path), DEFAULT_SCHEME)
    checks = [check_import(case, DEFAULT_SCHEME, deep=True, max_px=10**6) for case in plan.cases]
    table = [
        _row(check, Defaults(ImageFacts(specimen="mouse 1", condition="treated"), "test", "", None)) for check in checks
    ]
    assert [row["Import"] for row in table] == [True, False]
    assert [row["State"] for row in table] == ["ready, 1 remark", "refused"]
    assert checks[1].refusal is not None
    assert "5 x 4 px" in checks[1].refusal.cause
    table[0]["Pixel size"] = "0.004 µm"
    (case,) = chosen_cases(checks, table)
    assert (case.specimen, case.condition, case.split) == ("mouse 1", "treated", Split.TEST)
    assert (case.stack, case.z_index) == ("liver", 0)
    assert (case.pixel_size_nm, case.pixel_size_source) == (4.0, PixelSizeSource.USER)
    table[0]["Import"] = False
    assert chosen_cases(checks, table) == []


def test_only_what_is_imported_counts_as_without_a_pixel_size(tmp_path: Path) -> None:
    plan = plan_import(_folder(tmp_path), DEFAULT_SCHEME)
    checks = [check_import(case, DEFAULT_SCHEME, deep=True, max_px=10**6) for case in plan.cases]
    table = [_row(check, Defaults(ImageFacts(), "as detected", "", None)) for check in checks]
    assert [check.refusal is not None for check in checks] == [False, True]
    assert unknown_sizes(checks, table) == 1
    table[0]["Import"] = False
    assert unknown_sizes(checks, table) == 0
    table[0] |= {"Import": True, "Pixel size": 4.0}
    assert unknown_sizes(checks, table) == 0


def test_edits_in_the_table_are_saved(store: Store, image: ImageRecord) -> None:
    table = rows([image], {image.id: frozenset({RevisionKind.REFERENCE})})
    assert table.loc[0, "Labels"] == "reference"
    records = table.to_dict("records")
    assert save_edits(store, [image], records, by="") == 0
    records[0].update({"Name": "new", "Split": "test", "Pixel size": "4", "Specimen": "m", "Condition": "c"})
    records[0]["Stack"] = None
    assert save_edits(store, [image], records, by="") == 1
    saved = store.images.get(image.id)
    assert (saved.name, saved.split) == ("new", "test")
    assert typed_sizes([image], records) == ({4.0: [image.id]}, [])
    assert (saved.specimen, saved.condition) == ("m", "c")
    records[0].update({"Name": "", "Pixel size": pd.NA})
    assert save_edits(store, [saved], records, by="") == 0  # neither can be taken away
    assert typed_sizes([saved], records) == ({}, [])


@pytest.mark.parametrize(("typed", "words"), [("352778", "352.8 µm per pixel is not plausible"), ("8 kg", "'kg'")])
def test_a_cell_that_is_no_pixel_size_is_refused_in_words(image: ImageRecord, typed: str, words: str) -> None:
    records = rows([image], {}).to_dict("records")
    records[0]["Pixel size"] = typed
    sizes, ((cause, _),) = typed_sizes([image], records)
    assert (sizes, image.name in cause, words in cause) == ({}, True, True)


def test_filters(image: ImageRecord) -> None:
    images = [
        replace(image, name="a1", specimen="m1", condition="fed", split=Split.TRAIN),
        replace(image, name="b1", specimen="m2", condition="fed", split=Split.TEST),
    ]
    assert matching(images) == images
    assert matching(images, text="M2") == images[1:]
    assert matching(images, text="fed") == images
    assert matching(images, splits=["train"]) == images[:1]
    assert matching(images, specimens=["m1"], splits=["test"]) == []


def test_deleted_images_come_back(store: Store, image: ImageRecord, app: AppTest) -> None:
    store.trash.put([image.id])
    app.session_state["last_trashed"] = [image.id]
    app = open_page(app, PAGE, project=image.project_id)
    assert "1 image deleted" in texts(app)
    _button(app, "Undo")
    assert store.images.all() == (image,)
    assert "1 image deleted" not in texts(app)
    store.trash.put([image.id])
    app.run()
    _button(app, "Restore all")
    assert store.images.all() == (image,)


def test_a_straddling_stack_is_warned_of(store: Store, app: AppTest) -> None:
    project = store.projects.create("one", DEFAULT_SCHEME)
    for value, split in enumerate(("train", "test")):
        record = store.images.add(project.id, Image(np.full((3, 4), value, np.uint8), name=str(value)), split=split)
        store.images.update(record.id, stack="vnc", z_index=value)
    app = open_page(app, PAGE, project=project.id)
    assert "stack **vnc**: 1 in the training set, 1 in the test set" in texts(app)


def test_five_hundred_images_take_few_queries(store: Store, app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    project = store.projects.create("one", DEFAULT_SCHEME)
    record = store.images.add(project.id, Image(np.zeros((3, 4), np.uint8), name="x"))
    many = tuple(record for _ in range(500))
    monkeypatch.setattr(Images, "all", lambda *_, **__: many)
    app = open_page(app, PAGE, project=project.id)
    assert not app.exception
    assert "500 images." in texts(app)


def test_the_table_shows_the_number_colour_and_key_that_will_be_used() -> None:
    """They read None until the project was made, and the key was stored empty."""
    full = filled_in([{"name": "glia"}, {"name": "axon", "color": "#AA00FF"}])
    assert [(row["id"], row["name"], row["key"]) for row in full] == [(1, "glia", "1"), (2, "axon", "2")]
    assert full[1]["color"] == "#aa00ff"
    assert full[0]["color"].startswith("#")
    assert filled_in(full) == full, "nothing changes a second time"
    half = filled_in([{"name": "a"}, {"name": "A"}])
    assert [(row["id"], row["name"]) for row in half] == [(None, "a"), (None, "A")], "no scheme: as it was typed"


def test_classes_in_a_table_become_a_scheme() -> None:
    empty = {"id": None, "name": None, "color": None, "key": None}
    scheme = scheme_of_rows(
        [{**empty, "name": " glia "}, {**empty, "id": 4, "name": "axon", "color": "#AA00FF"}, empty]
    )
    assert [(item.id, item.name) for item in scheme.classes] == [(1, "glia"), (4, "axon")]
    assert scheme[4].color == "#aa00ff"
    assert scheme_of_rows(DEFAULT_SCHEME.to_json(), DEFAULT_SCHEME) == DEFAULT_SCHEME
    without = [row for row in DEFAULT_SCHEME.to_json() if row["name"] != "ER"]
    replaced = scheme_of_rows([*without, {"name": "golgi"}], DEFAULT_SCHEME)
    assert replaced[6].name == "golgi", "not 3: what was labelled ER is not golgi"
    assert [item.key for item in scheme.classes] == ["1", "2"], "so that 1 to 9 pick them while painting"
    given = scheme_of_rows([{**empty, "name": "a"}, {**empty, "name": "b", "key": "1"}, {**empty, "name": "c"}])
    assert [item.key for item in given.classes] == ["2", "1", "3"]
    many = scheme_of_rows([{**empty, "name": f"c{number}"} for number in range(11)])
    assert [item.key for item in many.classes][7:] == ["8", "9", "", ""]
    with pytest.raises(LabelMapError, match="no class"):
        scheme_of_rows([empty])
    with pytest.raises(LabelMapError, match="more than once"):
        scheme_of_rows([{**empty, "name": "a"}, {**empty, "name": "A"}])


def _in_the_settings() -> None:
    """What stands in the dialog, which a test cannot press twice in."""
    from core.store.store import current_store
    from ui.parts.new_project import _deletion
    from ui.parts.scheme import scheme_chips, scheme_editor, scheme_of_rows

    for project in current_store().projects.all():
        scheme_chips(scheme_of_rows(scheme_editor(project.scheme, key="edited")))
        _deletion(project)


def test_a_project_is_deleted_once_its_name_is_typed(store: Store, app: AppTest) -> None:
    project = store.projects.create("old work", DEFAULT_SCHEME)
    app = open_page(app, PAGE, project=project.id)
    _button(app, "Project settings")
    assert "0 images, 0 label maps and 0 rounds will be deleted permanently" in texts(app)
    dialog = AppTest.from_function(_in_the_settings, default_timeout=20).run()
    dialog.button(key=f"delete-project-{project.id}").click().run()
    assert [each.name for each in store.projects.all()] == ["old work"]
    assert "is called" in texts(dialog)
    dialog.text_input(key=f"delete-name-{project.id}").set_value("old work").run()
    dialog.button(key=f"delete-project-{project.id}").click().run()
    assert not dialog.exception
    assert store.projects.all() == ()


def test_a_colour_is_picked_for_a_class(store: Store, app: AppTest) -> None:
    store.projects.create("cells", DEFAULT_SCHEME)
    dialog = AppTest.from_function(_in_the_settings, default_timeout=20).run()
    dialog.color_picker[1].set_value("#123456").run()
    assert not dialog.exception
    dialog.run()
    assert [picker.value for picker in dialog.color_picker][:3] == ["#ff0000", "#123456", "#00ff00"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": "a", "color": "#ff0000"}, "same colour"),
        ({"name": "a", "id": "1.5"}, "number of 'a' is '1.5'"),
        ({"name": "a", "id": "255"}, "id 255"),
        ({"name": "a", "key": "x"}, "key of 'a' is 'x'"),
        ({"name": "", "id": "7"}, "empty name"),
    ],
)
def test_what_makes_no_class_is_refused(typed: dict[str, str], words: str) -> None:
    with pytest.raises(LabelMapError, match=words):
        scheme_of_rows([{"name": "mitochondria", "color": "#FF0000"}, typed])


def test_colours_of_added_classes_are_unlike_those_that_are_there() -> None:
    """Names of the default scheme got its colours even where a class had them already."""
    scheme = scheme_of_rows([{"name": "membranes", "color": "#ff0000"}, {"name": "mitochondria"}, {"name": "axon"}])
    assert len({item.color for item in scheme.classes}) == 3
    assert len({item.safe_color for item in scheme.classes}) == 3


def _classes() -> None:
    import streamlit as st

    from ui.parts.scheme import scheme_editor

    st.session_state["now"] = scheme_editor(None, key="classes")


def test_typed_classes_stay_when_the_dialog_is_drawn_anew() -> None:
    """Rows that were typed into an empty table vanished with the next one."""
    app = AppTest.from_function(_classes).run()
    for number, name in enumerate(("axon", "myelin", "glia")):
        app.text_input(key=f"classes-{number}-name").set_value(name).run()
        app.run()
    assert [row["name"] for row in app.session_state["now"]] == ["axon", "myelin", "glia", None]
    app.button(key="classes-1-away").click().run()
    app.text_input(key="classes-0-name").set_value("axons").run()
    assert [row["name"] for row in app.session_state["now"]] == ["axons", "glia", None]
    assert not app.exception


def test_a_dialog_stays_open_when_the_page_is_drawn_anew(store: Store, app: AppTest) -> None:
    """A job that ended closed it, and what was typed was lost."""
    store.projects.create("old work", DEFAULT_SCHEME)
    app = open_page(app, PAGE)
    _button(app, "New project")
    app.text_input(key="new-project-1-name").set_value("tissue").run()
    app.run()
    assert app.text_input(key="new-project-1-name").value == "tissue"
    _button(app, "Cancel")
    assert not [field for field in app.text_input if field.key == "new-project-1-name"]
    _button(app, "New project")
    assert app.text_input(key="new-project-2-name").value == ""
    _button(app, "Create project")
    assert "characters" in texts(app)
    app.text_input(key="new-project-2-name").set_value("tissue").run()
    _button(app, "Create project")
    assert [project.name for project in store.projects.all()] == ["old work", "tissue"]
    assert not [field for field in app.text_input if field.key == "new-project-2-name"]


def _sheet(project_id: str) -> None:
    from ui.data.sheet import sheet_panel

    sheet_panel(project_id)


def test_a_sample_sheet_is_looked_at_then_taken_over(store: Store, image: ImageRecord) -> None:
    app = AppTest.from_function(_sheet, args=(image.project_id,)).run()
    text = "image\tspecimen\tcondition\nliver *1*\tm1\ttreated\nother\tm2\t"
    app.text_area(key="data-sheet-text-0").set_value(text).run()
    assert not app.exception
    assert "1 name of the sheet not found in this project" in texts(app)
    table = next(frame.value for frame in app.dataframe if "New" in frame.value.columns)
    assert table.to_numpy().tolist() == [
        ["liver *1*.tif", "Specimen", "", "m1"],
        ["liver *1*.tif", "Condition", "", "treated"],
    ]
    assert store.images.get(image.id) == image
    app.button(key="data-sheet-apply").click().run()
    assert not app.exception
    assert (store.images.get(image.id).specimen, store.images.get(image.id).condition) == ("m1", "treated")
    assert "No changes." in texts(app)


def test_a_sample_sheet_says_what_its_pixel_sizes_make_outdated(store: Store, image: ImageRecord) -> None:
    summary = {"pixel_size_nm": image.pixel_size.nm, "seconds": 90.0, "shape_yx": image.shape_yx, "scale_factor": 1.0}
    made = store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id="m", details={"summary": summary})
    write_label_pyramid(store.revisions.pyramid_path(made.id), np.zeros(image.shape_yx, np.uint8), pixel_size_nm=8.0)
    store.revisions.complete(made.id, coverage=[])
    app = AppTest.from_function(_sheet, args=(image.project_id,)).run()
    app.text_area(key="data-sheet-text-0").set_value("image,pixel_size_nm,condition\nliver *1*,,treated").run()
    assert "outdated" not in texts(app)
    app.text_area(key="data-sheet-text-0").set_value("image,pixel_size_nm\nliver *1*,0.004 µm").run()
    assert not app.exception
    assert "1 label map by models becomes outdated. Segmenting again takes about" in texts(app)
    assert store.images.get(image.id) == image  # nothing before the button
    app.button(key="data-sheet-apply").click().run()
    assert store.images.get(image.id).pixel_size.nm == 4.0


def test_a_sample_sheet_that_cannot_be_meant_is_explained(store: Store, image: ImageRecord) -> None:
    app = AppTest.from_function(_sheet, args=(image.project_id,)).run()
    app.text_area(key="data-sheet-text-0").set_value("a\tb\n1\t2").run()
    assert "The first row is a, b" in texts(app)
    assert not app.exception
    assert "data-sheet-apply" not in [button.key for button in app.button]


def test_a_sample_sheet_opens_from_the_table(store: Store, image: ImageRecord, app: AppTest) -> None:
    app = open_page(app, PAGE, project=image.project_id)
    app.button(key="data-sheet-open").click().run()
    assert not app.exception
    assert app.text_area(key="data-sheet-text-1").value == ""
    app.text_area(key="data-sheet-text-1").set_value("image\tspecimen").run()
    app.run()  # as when a job ends behind the dialog
    assert app.text_area(key="data-sheet-text-1").value == "image\tspecimen"


def test_the_facts_of_the_files_are_shown_before_the_import(store: Store, app: AppTest, tmp_path: Path) -> None:
    project = store.projects.create("one", DEFAULT_SCHEME, 8.0)
    app = open_page(app, PAGE, project=project.id)
    app.segmented_control(key="data-way").set_value("Folder on the server").run()
    app.text_input(key="data-folder-0").set_value(str(_folder(tmp_path / "in"))).run()
    assert not app.exception
    table = next(frame.value for frame in app.dataframe if "Pixel size" in frame.value and "Format" in frame.value)
    assert list(table.columns)[:3] == ["File", "Pixel size", "Notice"]
    assert list(table["File"]) == ["liver_0.png", "liver_1.png"]
    assert table["Size"][0] == "5 x 4 px (columns x rows)"
    assert "no content to segment" in table["Notice"][0]


def _painted(path: Path) -> Path:
    """An image with labels in colours: magenta as the project has it, and an orange that it lacks, on black."""
    labels = np.zeros((40, 50, 3), np.uint8)
    labels[5:15, 5:25], labels[20:35, 10:40] = (255, 0, 255), (250, 120, 10)
    for part in ("images", "labels"):
        (path / part).mkdir(parents=True)
    PilImage.fromarray(np.arange(2000, dtype=np.uint8).reshape(40, 50)).save(path / "images" / "liver.png")
    PilImage.fromarray(labels).save(path / "labels" / "liver.png")
    return path


def _open_folder(app: AppTest, project_id: str, folder: Path) -> AppTest:
    app = open_page(app, PAGE, project=project_id)
    app.segmented_control(key="data-way").set_value("Folder on the server").run()
    return app.text_input(key="data-folder-0").set_value(str(folder)).run()


def test_colours_get_classes_and_a_colour_becomes_a_class(store: Store, app: AppTest, tmp_path: Path) -> None:
    project = store.projects.create("one", DEFAULT_SCHEME, 8.0)
    app = _open_folder(app, project.id, _painted(tmp_path / "in"))
    assert not app.exception
    chosen = {box.label: box.value for box in app.selectbox if box.label.startswith("Class of #")}
    assert chosen == {
        "Class of #000000": "background",
        "Class of #fa780a": "Choose…",
        "Class of #ff00ff": "cell boundaries",
    }
    assert "Unassigned: #fa780a" in texts(app)
    assert "1 file cannot be imported" in texts(app).replace("**", "")
    _button(app, "New class")
    assert not app.exception
    added = store.projects.get(project.id).scheme.classes[-1]
    assert (added.id, added.name, added.color) == (6, "orange", "#fa780a")
    assert "cannot be imported" not in texts(app)
    _button(app, "Import 1 image")
    colors = dict(jobs()[0].params["cases"][0]["colors"])
    assert colors == {0x000000: 0, 0xFF00FF: 5, 0xFA780A: 6}


def test_a_mask_that_may_be_either_part_is_asked_about(store: Store, app: AppTest, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    PilImage.fromarray(np.arange(2000, dtype=np.uint8).reshape(40, 50)).save(folder / "images" / "liver.png")
    mask = np.ones((40, 50), bool)
    mask[5:20, 5:30] = False
    tifffile.imwrite(folder / "labels" / "liver_ER.tif", mask)
    project = store.projects.create("one", DEFAULT_SCHEME, 8.0)
    app = _open_folder(app, project.id, folder)
    assert "Light or dark?" in texts(app)
    app.segmented_control(key="data-foreground-0").set_value("Light on dark").run()
    assert not app.exception
    assert "cannot be imported" not in texts(app)
    _button(app, "Import 1 image")
    assert jobs()[0].params["cases"][0]["foregrounds"] == [[0, "light"]]


def _unclear(path: Path) -> None:
    """A mask of 1 bit whose light part would be most of the picture."""
    mask = np.ones((40, 50), bool)
    mask[5:20, 5:30] = False
    tifffile.imwrite(path, mask)


def test_each_doubtful_mask_has_an_answer_of_its_own(store: Store, app: AppTest, tmp_path: Path) -> None:
    """One answer was taken for all of them."""
    folder = tmp_path / "in"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for number, name in enumerate(("a", "b", "c")):
        PilImage.fromarray(np.full((40, 50), number, np.uint8)).save(folder / "images" / f"{name}.png")
        _unclear(folder / "labels" / f"{name}_ER.tif")
    project = store.projects.create("one", DEFAULT_SCHEME, 8.0)
    app = _open_folder(app, project.id, folder)
    said = texts(app).replace("**", "")
    assert "3 files cannot be imported." in said
    assert "The other" not in said
    answers = {"a": "Dark on light", "c": "Light on dark"}
    for name, answer in answers.items():
        key = f"data-foreground-0-{folder / 'labels' / f'{name}_ER.tif'}"
        app.segmented_control(key=key).set_value(answer).run()
    assert not app.exception
    said = texts(app).replace("**", "")
    assert "1 file cannot be imported. The other 2 can." in said
    _button(app, "Import 2 images")
    cases = {case["name"]: case["foregrounds"] for case in jobs()[0].params["cases"]}
    assert cases == {"a": [[0, "dark"]], "c": [[0, "light"]]}


def test_one_answer_can_be_that_of_all(store: Store, app: AppTest, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for number, name in enumerate(("a", "b")):
        PilImage.fromarray(np.full((40, 50), number, np.uint8)).save(folder / "images" / f"{name}.png")
        _unclear(folder / "labels" / f"{name}_ER.tif")
    project = store.projects.create("one", DEFAULT_SCHEME, 8.0)
    app = _open_folder(app, project.id, folder)
    app.toggle(key="data-foreground-0-same").set_value(True).run()
    app.segmented_control(key="data-foreground-0").set_value("Dark on light").run()
    assert not app.exception
    _button(app, "Import 2 images")
    assert [case["foregrounds"] for case in jobs()[0].params["cases"]] == [[[0, "dark"]], [[0, "dark"]]]


def test_images_that_are_there_are_named_before_the_import(
    store: Store, image: ImageRecord, app: AppTest, tmp_path: Path
) -> None:
    """They were counted as images to import."""
    folder = tmp_path / "in"
    folder.mkdir()
    pixels = np.asarray(open_pyramid(store.images.pyramid_path(image.id)).read(0, slice(None), slice(None)))
    for name, values in (("again", pixels), ("new", pixels + 1), ("newer", pixels + 1)):
        PilImage.fromarray(values).save(folder / f"{name}.png")
    app = _open_folder(app, image.project_id, folder)
    assert not app.exception
    said = texts(app).replace("\\", "")
    assert "2 images have the same pixels as an existing image or an earlier file: " in said
    assert f"again.png (as {image.name}), newer.png (as new.png)" in said
    assert any(button.label == "Import 1 image" for button in app.button)


def test_pages_of_a_file_are_counted_as_images(store: Store, app: AppTest, tmp_path: Path) -> None:
    """It said "Import 2 images" where 4 were imported."""
    folder = tmp_path / "in"
    folder.mkdir()
    PilImage.fromarray(np.full((40, 50), 7, np.uint8)).save(folder / "single.png")
    planes = np.arange(3 * 40 * 50, dtype=np.uint16).reshape(3, 40, 50)
    tifffile.imwrite(folder / "planes.tif", planes, photometric="minisblack")
    app = _open_folder(app, store.projects.create("one", DEFAULT_SCHEME, 8.0).id, folder)
    assert not app.exception
    assert "**2 files (4 images)**" in texts(app)
    assert any(button.label == "Import 2 files (4 images)" for button in app.button)


def _split(project_id: str) -> None:
    from ui import context
    from ui.parts.image_split import split_popover

    split_popover(context.store().images.all(project_id), key="ticked")


def test_many_images_get_their_split_by_one_button(store: Store, image: ImageRecord) -> None:
    """Each image's cell had to be opened and chosen in."""
    pixels = np.full((8, 8), 7, np.uint8)
    other = store.images.add(image.project_id, Image(pixels, image.pixel_size, "other"), split=Split.TEST)
    app = AppTest.from_function(_split, args=(image.project_id,)).run()
    _button(app, "Test")
    assert not app.exception
    assert [store.images.get(each.id).split for each in (image, other)] == [Split.TEST, Split.TEST]
    _button(app, "Train")
    assert [store.images.get(each.id).split for each in (image, other)] == [Split.TRAIN, Split.TRAIN]


@pytest.mark.parametrize(("labels", "link"), [("none", "Draw labels"), ("added", "Train a model")])
def test_an_import_says_what_comes_next(store: Store, image: ImageRecord, app: AppTest, labels: str, link: str) -> None:
    outcome = {
        "name": image.name, "outcome": "imported", "image_id": image.id, "of": "", "labels": labels, "cause": "",
        "remedy": "", "notes": [],
    }  # fmt: skip
    row = claim(store, submit("import_cases", {"project_id": image.project_id}), "here")
    assert row is not None
    assert succeed(store, row.id, 1, {"outcomes": [outcome]})
    page = open_page(app, PAGE, project=image.project_id)
    assert not page.exception
    assert any(button.label == "Segment 1 image" for button in page.button)
    assert link in [each.proto.label for each in page.get("page_link")]


def test_my_failed_import_is_shown_although_others_have_asked_for_much_since(store: Store, app: AppTest) -> None:
    """It was looked for among the newest 20 imports of everybody."""
    project = store.projects.create("one", DEFAULT_SCHEME)
    asked = submit("import_cases", {"project_id": project.id}, author="Ada")
    fail(store, asked.id, JobError("The disk of the lab is full.", "Free some space."))
    theirs = {"project_id": "f" * 32}
    store.jobs.add(new_job(params("import_cases", theirs)) for _ in range(300))
    page = open_page(app, PAGE, project=project.id)
    assert "The disk of the lab is full." in texts(page) + "".join(error.value for error in page.error)


def test_ids_of_objects_are_found_and_their_class_is_asked_for(store: Store, app: AppTest, tmp_path: Path) -> None:
    project = store.projects.create("one", DEFAULT_SCHEME, 8.0)
    for part in ("images", "labels"):
        (tmp_path / "in" / part).mkdir(parents=True)
    ids = np.kron(np.arange(48, dtype=np.uint16).reshape(6, 8), np.ones((3, 3), np.uint16))
    PilImage.fromarray((ids * 5).astype(np.uint8)).save(tmp_path / "in" / "images" / "a.png")
    PilImage.fromarray(ids).save(tmp_path / "in" / "labels" / "a.png")
    app = open_page(app, PAGE, project=project.id)
    app.segmented_control(key="data-way").set_value("Folder on the server").run()
    app.text_input(key="data-folder-0").set_value(str(tmp_path / "in")).run()
    assert "The class of the objects in a.png is not known." in texts(app)
    app.selectbox(key="data-object-class-0").set_value(1).run()
    assert not app.exception
    _button(app, "Import 1 image")
    (job,) = jobs()
    (case,) = job.params["cases"]
    assert (case["source"], case["class_ids"]) == ("object ids", [1])
