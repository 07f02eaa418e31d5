"""The zip of a dataset folder is dropped and imported; other zips are refused and leave nothing."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from core.datasets.import_plan import plan_import
from core.errors import DatasetError
from core.exports.package import write_package
from core.exports.request import COUNTS, Form
from core.exports.sinks import zip_sink
from core.store.import_batch import ImportBatch, Part, new_batch, take_upload
from core.store.store import Store
from tests.core.exports.conftest import SCHEME, Tissue

ID = "a" * 32


def dropped(store: Store, content: bytes, name: str = "Liver.zip") -> ImportBatch:
    """A batch with an upload taken into it."""
    folder = store.settings.uploads_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{ID}.upload").write_bytes(content)
    (folder / f"{ID}.json").write_text(json.dumps({"name": name, "bytes": len(content)}))
    batch = new_batch(store.settings)
    take_upload(store.settings, batch, ID, Part.IMAGES)
    return batch


def zipped(**members: bytes) -> bytes:
    """A zip of these members; two underscores stand for a slash."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


def test_a_dataset_zip_is_planned_as_the_folder(tissue: Tissue, tmp_path: Path) -> None:
    request = tissue.request(labels=COUNTS, form=Form.DATASET)
    with zip_sink(tmp_path / "a.zip", "Liver_2026") as sink:
        write_package(tissue.store, request, sink, person="", work=tmp_path, progress=lambda fraction, message: None)
    batch = dropped(tissue.store, (tmp_path / "a.zip").read_bytes())
    plan = plan_import(batch.path, SCHEME)
    assert not plan.refusals
    assert {case.name for case in plan.cases} == set(tissue.images)
    by_name = {case.name: case for case in plan.cases}
    assert (by_name["vol z1"].stack, by_name["vol z1"].z_index) == ("vol", 1)
    assert by_name["Liver 1.tif"].condition == "control"
    assert len(batch.files(Part.IMAGES)) == len(tissue.images)
    assert list(tissue.store.settings.uploads_dir.iterdir()) == []


DESCRIPTION = b'{"labels": {"background": 0, "mitochondria": 2}}'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"not a zip", "cannot be opened"),
        (zipped(**{"a.tif": b"x"}), "is not a zip of a dataset folder"),
        (zipped(**{"dataset.json": DESCRIPTION}), "is not a zip of a dataset folder"),
        (zipped(**{"dataset.json": DESCRIPTION, "imagesTr__a_0000.tif": b"x"}), "is not a zip of a dataset folder"),
        (zipped(**{"dataset.json": DESCRIPTION, "images__a.png": b"x", "..__..__evil.png": b"x"}), "points outside"),
        (
            zipped(**{"dataset.json": DESCRIPTION, "images__a.png": b"x", "images__A.png": b"y"}),
            "several files with the same name",
        ),
        (zipped(**{"dataset.json": DESCRIPTION, "x__y__z__images__a.png": b"x"}), "is not a zip of a dataset folder"),
    ],
    ids=["not a zip", "images alone", "no images", "nnU-Net", "points outside", "twice", "deep"],
)
def test_other_zips_are_refused_and_leave_nothing(store: Store, content: bytes, says: str) -> None:
    with pytest.raises(DatasetError, match=says) as refused:
        dropped(store, content)
    assert "Liver.zip" in refused.value.cause
    assert ID not in str(refused.value)
    assert list(store.settings.uploads_dir.iterdir()) == []
    files = [path for path in (store.settings.data_dir / "imports").rglob("*") if path.is_file()]
    assert [path.suffix for path in files] == [".json"]  # who dropped it, beside the folder of the batch


def test_what_is_beside_the_dataset_is_left_alone(store: Store) -> None:
    content = zipped(
        **{
            "top__dataset.json": DESCRIPTION, "top__images__a.png": b"x", "top__labels__a.png": b"y",
            "top__manifest.csv": b"z", "top__images__con.png": b"x", "top__images__.hidden.png": b"x",
            "top__images__run.exe": b"x",
        }
    )  # fmt: skip
    batch = dropped(store, content)
    assert sorted(path.relative_to(batch.path).as_posix() for path in batch.path.rglob("*") if path.is_file()) == [
        "dataset.json", "images/a.png", "labels/a.png",
    ]  # fmt: skip
