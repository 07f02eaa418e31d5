"""The Results page with many images and several models: how long until there is something to see, and after a click.

    python -m benchmarks.results                              # 500 images, 5 models, in a folder that is removed
    python -m benchmarks.results --keep /tmp/many --images 100

Makes a project of small phantom sections with exact references and evaluations of made-up models of different
quality, each image really measured. Then a fresh process opens the Results page as the server does (without a browser)
and clicks through it. Seconds of the server; drawing in the browser comes on top.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluation.error_objects import largest_errors
from core.evaluation.image_scores import score_image
from core.evaluation.label_pair import LabelPair
from core.evaluation.settings import EvaluationSettings
from core.imaging.image import Image, PixelSize
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import DEFAULT_SCHEME
from core.phantom import generate_phantom
from core.settings import ROOT, load_settings
from core.store import ImageRecord, RevisionKind, Split, Store
from core.store.records import EvaluationImageRecord, EvaluationState

SIZE_PX = 128
NM = 8.0
PREDICTED = 3
"""Images of each evaluation whose prediction is kept too, so that they can be opened."""


def main() -> None:
    """Make the data, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--models", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="data folder to make, or to use as it is when it is there")
    options = parser.parse_args()
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else "")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = options.keep or Path(scratch) / "data"
        if not folder.exists():
            began_s = time.perf_counter()
            make(folder, options.images, options.models)
            print(f"made {options.images} images and {options.models} evaluations in {seconds_since(began_s):.0f} s")
        child = multiprocessing.get_context("spawn").Process(target=measure, args=(folder,))
        child.start()
        child.join()
    sys.exit(child.exitcode)


def make(folder: Path, images: int, models: int) -> None:
    """The project with its evaluations."""
    store = Store(load_settings(data_dir=folder, min_free_bytes=0))
    project = store.projects.create("Many sections", DEFAULT_SCHEME, NM)
    tissue = generate_phantom(7, 2048, pixel_size_nm=NM)
    rng = np.random.default_rng(0)
    references: list[tuple[ImageRecord, str, NDArray[np.uint8]]] = []
    for number in range(images):
        row, column = rng.integers(0, 2048 - SIZE_PX, 2)
        part = np.s_[row : row + SIZE_PX, column : column + SIZE_PX]
        image = Image(tissue.image_yx[part].copy(), PixelSize.from_user(NM), f"section {number:04d}")
        record = store.images.add(project.id, image, split=Split.TEST, specimen=f"animal {number % 12}")
        labels = tissue.labels_yx[part].copy()
        references.append((record, revision(store, record.id, RevisionKind.REFERENCE, labels), labels))
    settings = EvaluationSettings().resolved(DEFAULT_SCHEME, [NM])
    for model in range(models):
        rows = [
            EvaluationImageRecord(record.id, record.name, record.specimen, record.specimen, NM, reference_id, None)
            for record, reference_id, _ in references
        ]
        made = store.evaluations.create(
            project.id, f"model {model + 1}", rows, scheme=DEFAULT_SCHEME, settings=settings.to_json()
        )
        for number, (record, _, labels) in enumerate(references):
            prediction = worse(labels, models - model, rng)
            kept = "none"
            if number < PREDICTED:
                kept = revision(store, record.id, RevisionKind.PREDICTION, prediction)
            confidence = rng.integers(100, 256, labels.shape, dtype=np.uint8)
            pair = LabelPair(labels, prediction, DEFAULT_SCHEME, settings, NM, confidence)
            scores = score_image(pair, record.name, group=record.specimen).to_json(DEFAULT_SCHEME)
            errors = [each.to_json() for each in largest_errors(pair)]
            store.evaluations.keep_scores(made.id, record.id, prediction_id=kept, scores=scores, errors=errors)
        store.evaluations.update(made.id, state=EvaluationState.COMPLETE)
    store.close()


def revision(store: Store, image_id: str, kind: RevisionKind, labels: NDArray[np.uint8]) -> str:
    """A label map of the store; its id."""
    row = store.revisions.begin(image_id, kind, details={"scheme": DEFAULT_SCHEME.to_json()})
    write_label_pyramid(store.revisions.pyramid_path(row.id), labels, pixel_size_nm=NM, scheme=DEFAULT_SCHEME)
    store.revisions.complete(row.id)
    return row.id


def worse(labels: NDArray[np.uint8], by: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A prediction that is shifted and has wrong patches, the more the worse."""
    prediction = np.roll(labels, by // 2, axis=1)
    for _ in range(2 * by):
        row, column = rng.integers(0, SIZE_PX - 12, 2)
        prediction[row : row + 10, column : column + 12] = rng.integers(0, 6)
    return prediction


def measure(folder: Path) -> None:
    """A fresh process: reading, then the page."""
    os.environ["CRISTAE_DATA_DIR"] = str(folder)
    read_table()
    every = ("images", "image", "compare", "report", "overview")
    for pause_s, sections in ((1, every), (1, ("compare",)), (0, ("compare",))):
        child = multiprocessing.get_context("spawn").Process(target=page_table, args=(sections, pause_s))
        child.start()
        child.join()


def read_table() -> None:
    """What the page reads, each for the first time and again."""
    from core.evaluations import read
    from core.store.store import current_store

    store = current_store()
    project = store.projects.all()[0]
    print("\n| reading | first, s | again, s |\n|---|---|---|")
    rows = twice("list of evaluations", lambda: read.evaluations(store, project.id))
    one, other = rows[0].id, rows[1].id
    images = twice("report of one evaluation", lambda: read.evaluation_report(store, one)) and read.evaluated_images(
        store, one
    )
    twice("table of its images", lambda: read.evaluated_images(store, one))
    twice("errors of an image", lambda: read.image_errors(store, one, images[0].image_id))
    twice("comparison with another", lambda: read.compare_evaluations(store, other, one))
    twice("reports of all", lambda: [read.evaluation_report(store, row.id) for row in rows])


def page_table(sections: Sequence[str], pause_s: float) -> None:
    """The page as the server runs it: opening it, looking at it so long, then a click on each section, each twice."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=60).run()
    print("\n| page | seconds of the server |\n|---|---|")

    def step(name: str, **query: str) -> None:
        began_s = time.perf_counter()
        for key, value in query.items():
            app.query_params[key] = value
        app.switch_page("../pages/results_page.py").run() if name == "opened" else app.run()
        took_s = seconds_since(began_s)
        wrong = [element.message for element in app.exception]
        print(f"| {name} | {took_s:.2f}{f' FAILED {wrong[0]}' if wrong else ''} |", flush=True)

    step("opened")
    time.sleep(pause_s)
    print(f"| looked at for {pause_s} s | |", flush=True)
    for section in sections:
        step(section, section=section)
        step(f"{section}, again")


def twice(name: str, work: Any) -> Any:
    """Time it the first and the second time, print a row; its result."""
    began_s = time.perf_counter()
    work()
    middle_s = time.perf_counter()
    result = work()
    print(f"| {name} | {middle_s - began_s:.3f} | {seconds_since(middle_s):.4f} |", flush=True)
    return result


def seconds_since(began_s: float) -> float:
    """Wall seconds."""
    return time.perf_counter() - began_s


if __name__ == "__main__":
    main()
