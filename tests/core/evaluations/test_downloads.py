"""Report, tables and bundle: known errors give the same numbers in each, offline, whatever the names."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import zipfile
from html.parser import HTMLParser
from typing import Any

import pytest

from core.errors import DatasetError, NotFoundError
from core.evaluation.report import EvaluationReport
from core.evaluations.downloads import render_evaluation
from core.evaluations.start import EvaluationPlan, start_evaluation
from core.label_scheme import LabelScheme
from core.store import ImageRecord, ProjectRecord, RevisionKind, Store
from tests.core.evaluations.conftest import PREDICTION, REFERENCE, add_image, add_labels, run_job

PERFECT = [[0 if value == 255 else value for value in row] for row in REFERENCE]

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def images(store: Store, project: ProjectRecord) -> list[ImageRecord]:
    """Two of two specimens."""
    made = [add_image(store, project, f"section {i}", i, specimen="ab"[i]) for i in range(2)]
    for image in made:
        add_labels(store, image, REFERENCE)
    return made


def evaluate(store: Store, predictions: dict[str, Any], project_id: str, name: str = "by hand") -> str:
    """Id of an evaluation of these label maps."""
    made = {
        image_id: add_labels(store, store.images.get(image_id), labels, RevisionKind.PREDICTION)
        for image_id, labels in predictions.items()
    }
    plan = EvaluationPlan(project_id, predictions=made, name=name)
    done = run_job(store, start_evaluation(store, plan, author="ada"))
    assert not done.error_cause, done.error_cause
    return str(done.result["evaluation_id"])


@pytest.fixture
def evaluated(store: Store, images: list[ImageRecord]) -> str:
    """The first image with known errors, the second without."""
    first, second = images
    return evaluate(store, {first.id: PREDICTION, second.id: PERFECT}, first.project_id)


def made(store: Store, evaluation_id: str, what: str, compare_with: str = "") -> bytes:
    return render_evaluation(store, evaluation_id, what, compare_with)[0]


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def bundle(store: Store, evaluation_id: str, compare_with: str = "") -> dict[str, bytes]:
    """Name to content."""
    with zipfile.ZipFile(io.BytesIO(made(store, evaluation_id, "bundle.zip", compare_with))) as archive:
        assert archive.testzip() is None
        return {name.removeprefix(f"evaluation-{evaluation_id}/"): archive.read(name) for name in archive.namelist()}


class Page(HTMLParser):
    """Tags with their attributes, text that is shown, tables as lists of rows."""

    def __init__(self, content: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.shown: list[str] = []
        self.data: dict[str, str] = {}
        self.rows: list[list[str]] = []
        self._in: str = ""
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in = tag if tag in ("script", "style") else ""
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
            self._in = "cell"
        elif tag not in ("br", "a"):
            self._in = tag

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "script":
            self.data[str(self.tags[-1][1].get("id", len(self.data)))] = data
        elif self._in != "style":
            self.shown.append(data)
        if self._in == "cell":
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.shown).split())


def test_the_same_known_numbers_in_csv_json_and_html(store: Store, evaluated: str) -> None:
    table = rows(made(store, evaluated, "metrics.csv"))
    dice = {(row["image"], row["class"]): float(row["value"]) for row in table if row["metric"] == "dice"}
    assert dice == pytest.approx(
        {
            ("section 0", "mitochondria"): 0.8,
            ("section 0", "nucleus"): 2 / 3,
            ("section 1", "mitochondria"): 1.0,
            ("section 1", "nucleus"): 1.0,
        }
    )
    files = bundle(store, evaluated)
    means = {(row["metric"], row["class"]): row for row in rows(files["aggregates.csv"])}
    mean = means["dice", "mitochondria"]
    assert [float(mean[name]) for name in ("mean", "pooled")] == pytest.approx([0.9, 16 / 18])
    assert (mean["low"], mean["high"]) == ("", ""), "two specimens give no interval"
    assert (mean["images"], mean["units"], mean["interval_over"]) == ("2", "2", "specimens")
    report = EvaluationReport.from_json(json.loads(files["report.json"]))
    assert report.figure("dice", 1).macro == pytest.approx(0.9)
    assert report.matrix.tolist() == [[12, 2, 0], [0, 8, 0], [2, 0, 6]]
    page = Page(made(store, evaluated, "report.html"))
    assert ["mitochondria", "0.900\nn = 2"] in [row[:2] for row in page.rows]
    assert ["section 0", "a", "0.733", "0.800", "0.667"] in page.rows
    assert ["nucleus", "25.0", "0.0", "75.0", "8"] in page.rows, "confusion in percent"


def test_the_tables_of_the_bundle_agree_with_the_label_maps(store: Store, evaluated: str) -> None:
    files = bundle(store, evaluated)
    counts = {(row["image"], row["class"]): row for row in rows(files["counts.csv"])}
    one = counts["section 0", "nucleus"]
    assert [one[f"{name}_px"] for name in ("tp", "fp", "fn", "tn", "not_reviewed")] == ["2", "0", "2", "11", "1"]
    assert rows(files["confusion.csv"])[2] == {
        "reference \\ predicted": "nucleus", "background": "2", "mitochondria": "0", "nucleus": "6",
    }  # fmt: skip
    by_image = rows(files["confusion_by_image.csv"])
    assert sum(int(row["pixels"]) for row in by_image) == 30
    errors = rows(files["errors.csv"])
    assert [(row["image"], row["reference"], row["predicted"], row["pixels"]) for row in errors] == [
        ("section 0", "background", "mitochondria", "2"),
        ("section 0", "nucleus", "background", "2"),
    ]
    assert {row["image"]: row["state"] for row in rows(files["images.csv"])} == {
        "section 0": "scored",
        "section 1": "scored",
    }
    told = json.loads(files["provenance.json"])
    assert (told["evaluation_id"], told["asked_for_by"], told["images_scored"]) == (evaluated, "ada", 2)
    assert told["scored_with"][0]["cristae"]
    readme = files["README.txt"].decode()
    assert all(name in readme for name in files if name != "README.txt")


def test_the_same_evaluation_gives_the_same_bytes(store: Store, evaluated: str) -> None:
    for what in ("metrics.csv", "bundle.zip", "report.html"):
        assert made(store, evaluated, what) == made(store, evaluated, what), what
    with zipfile.ZipFile(io.BytesIO(made(store, evaluated, "bundle.zip"))) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}, "whenever it is made"


def test_undefined_is_empty_in_csv_null_in_json_and_a_dash_in_html(store: Store, project: ProjectRecord) -> None:
    image = add_image(store, project, "only mitochondria", 7)
    labels = [[1, 1, 0, 0]] * 4
    add_labels(store, image, labels)
    row_id = evaluate(store, {image.id: labels}, project.id)
    table = {(row["metric"], row["class"]): row["value"] for row in rows(made(store, row_id, "metrics.csv"))}
    assert (table["dice", "mitochondria"], table["dice", "nucleus"]) == ("1.0", "")
    report = json.loads(bundle(store, row_id)["report.json"])
    assert report["images"][0]["classes"]["nucleus"]["dice"] is None
    page = Page(made(store, row_id, "report.html"))
    assert ["only mitochondria", "–", "1.000", "1.000", "–"] in page.rows
    assert "With 1 image no interval can be given" in page.text


def test_the_report_loads_nothing_and_runs_only_what_its_policy_names(store: Store, evaluated: str) -> None:
    page = Page(made(store, evaluated, "report.html"))
    for tag, attributes in page.tags:
        for name in ("src", "srcset", "data", "poster", "action", "background"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)
        assert tag not in ("link", "iframe", "object", "embed", "base"), tag
    (policy,) = (a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policy.split(";")[1]
    assert [attributes for tag, attributes in page.tags if tag == "img"], "the errors are shown"


def test_names_of_users_are_text_never_markup(store: Store, images: list[ImageRecord]) -> None:
    scheme = LabelScheme.from_names({f"m {HOSTILE}": 1, "n": 2})
    project = store.projects.create(f"p {HOSTILE}", scheme)
    image = add_image(store, project, f"i {HOSTILE}", 8, specimen=f"s {HOSTILE}")
    add_labels(store, image, REFERENCE)
    row_id = evaluate(store, {image.id: PREDICTION}, project.id, name=f"e {HOSTILE}")
    content, _, name = render_evaluation(store, row_id, "report.html")
    page = Page(content)
    assert not [tag for tag, attributes in page.tags if "onerror" in attributes]
    assert not [text for text in page.data.values() if text.strip() == "alert(1)"]
    for letter in "mpise":
        assert f"{letter} {HOSTILE}" in page.text, letter
    assert re.fullmatch(r"[\w.-]+", name), name
    assert html.escape(HOSTILE) in content.decode()


def test_a_spreadsheet_runs_nothing_and_reads_letters_of_every_alphabet(store: Store, project: ProjectRecord) -> None:
    image = add_image(store, project, "=1+1 Präparat", 8)
    add_labels(store, image, REFERENCE)
    row_id = evaluate(store, {image.id: PREDICTION}, project.id)
    content = made(store, row_id, "metrics.csv")
    assert content.startswith(b"\xef\xbb\xbf")
    assert {row["image"] for row in rows(content)} == {"'=1+1 Präparat"}


def test_a_partial_evaluation_says_so_in_every_file(store: Store, images: list[ImageRecord]) -> None:
    row_id = evaluate(store, {images[0].id: PREDICTION}, images[0].project_id)
    page = Page(made(store, row_id, "report.html"))
    assert "Partial: 1 of 2 images scored" in page.text
    assert ["section 1", "No prediction provided."] in page.rows
    files = bundle(store, row_id)
    assert "PARTIAL" in files["README.txt"].decode()
    assert json.loads(files["report.json"])["partial"] is True
    states = {row["image"]: (row["state"], row["why_not"]) for row in rows(files["images.csv"])}
    assert states["section 1"] == ("not scored", "No prediction provided.")
    assert {row["image"] for row in rows(files["metrics.csv"])} == {"section 0"}


def test_paired_differences_come_along(store: Store, images: list[ImageRecord], evaluated: str) -> None:
    better = evaluate(store, {image.id: PERFECT for image in images}, images[0].project_id, name="round 2")
    files = bundle(store, better, evaluated)
    found = {(row["metric"], row["class"]): row for row in rows(files["comparison.csv"])}
    assert float(found["dice", "mitochondria"]["difference"]) == pytest.approx(0.1)
    told = json.loads(files["comparison.json"])
    assert told["metrics"]["dice"]["nucleus"]["mean"] == pytest.approx(1 / 6)
    assert (told["this"], told["other"]) == (better, evaluated)
    page = Page(made(store, better, "report.html", evaluated))
    assert "Compared with by hand" in page.text
    assert ["Dice (F1)", "mitochondria", "+0.100"] in [row[:3] for row in page.rows]
    assert "figure-differences-data" in page.data
    assert "comparison.csv" not in bundle(store, better)
    assert "Compared with" not in Page(made(store, better, "report.html")).text


def test_what_cannot_be_compared_or_made_says_why(store: Store, images: list[ImageRecord], evaluated: str) -> None:
    other = store.projects.create("other", store.projects.get(images[0].project_id).scheme)
    image = add_image(store, other, "elsewhere", 9)
    add_labels(store, image, REFERENCE)
    foreign = evaluate(store, {image.id: PREDICTION}, other.id)
    with pytest.raises(DatasetError, match="another project"):
        made(store, evaluated, "report.html", foreign)
    with pytest.raises(DatasetError, match="with itself"):
        made(store, evaluated, "report.html", evaluated)
    with pytest.raises(NotFoundError, match="no evaluation"):
        made(store, evaluated, "report.html", "gone")
    with pytest.raises(NotFoundError, match=r"report\.pdf"):
        made(store, evaluated, "report.pdf")


def test_pictures_of_what_was_deleted_are_left_out(store: Store, images: list[ImageRecord], evaluated: str) -> None:
    assert b"data:image/jpeg" in made(store, evaluated, "report.html")
    for revision in store.revisions.of_image(images[0].id, kind=RevisionKind.PREDICTION):
        store.revisions.delete(revision.id)
    content = made(store, evaluated, "report.html")
    assert b"data:image/jpeg" not in content
    assert b"has been deleted since" in content
