"""One table over all images of a package: areas, objects."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Final

from core.datasets.image_facts import FACTS, facts_of
from core.exports.label_maps import COVERAGE_COLUMNS, LabelledImage, coverage_rows, made_by
from core.label_scheme import LabelScheme
from core.learning.object_sizes import ProjectRules, project_rules
from core.measurements.confirmed import confirmed_share
from core.measurements.measuring import measure_label_map
from core.measurements.smallest import Smallest, smallest_of_classes
from core.models.store import ModelStore
from core.morphometry.frames import FILTER, objects_columns, objects_frame
from core.morphometry.objects import CONTACT_NM, ObjectTable
from core.morphometry.summary import ImageObjects
from core.predictions.verdicts import VERDICT_COLUMNS, verdict_texts
from core.spreadsheets import frame_csv, not_a_formula
from core.store.records import ImageRecord, RevisionRecord
from core.store.store import Store

_FACTS: Final = ("image_id", *FACTS, "stack", "z_index", "split", "label_map")


class CoverageTable:
    """Areas of every class of every image, a row each; written as images come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow([*COVERAGE_COLUMNS, *_FACTS])

    def add(self, source: LabelledImage) -> None:
        """The rows of an image."""
        image = source.image
        texts = (*facts_of(image).values(), image.stack)
        facts = [image.id, *map(not_a_formula, texts), "" if image.z_index is None else image.z_index]
        facts += [image.split.value, not_a_formula(made_by(source.store, source.revision))]
        with self.path.open("a", encoding="utf-8", newline="") as file:
            for row in coverage_rows(source):
                csv.writer(file, lineterminator="\n").writerow([*row, *facts])
                self.rows += 1


class ObjectsTable:
    """Every object of every image, a row each; written as images come.

    Parameters
    ----------
    path
        Of the table.
    scheme
        The project's classes; columns to other classes are left out.
    """

    def __init__(self, path: Path, scheme: LabelScheme) -> None:
        self.path = path
        self.rows = 0
        self._rules: dict[tuple[str, str | None], ProjectRules] = {}
        self._columns = [*objects_columns(scheme, physical=True), FILTER, *VERDICT_COLUMNS]
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(self._columns)

    def add(self, source: LabelledImage, progress: Callable[[float], None]) -> None:
        """The objects of an image, measured now where nobody has; without a pixel size lengths are empty."""
        image = source.image
        table = measured_table(source.store, image, source.revision, progress, self._smallest(source))
        version = source.revision.id
        objects = ImageObjects(
            image.id, image.name, image.specimen, version, table, image.condition, image.stack,
            confirmed=confirmed_share(image, source.revision),
        )  # fmt: skip
        words = made_by(source.store, source.revision)
        frame = objects_frame([objects], source.scheme, physical=True, made_by=words).reindex(columns=self._columns)
        frame[[*VERDICT_COLUMNS]] = verdict_texts(source.store, source.revision)
        if not len(table):
            return
        text = frame_csv(frame, digits=6)
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(text.split("\n", 1)[1])
        self.rows += len(frame)

    def _smallest(self, source: LabelledImage) -> Smallest:
        """As Measure has it at first: by the rules of the model that made the label map, else of the project's own."""
        store, size_nm = source.store, source.image.pixel_size.nm
        key = source.image.project_id, source.revision.model_id or None
        if key not in self._rules:
            self._rules[key] = project_rules(store, ModelStore(store.settings.models_dir), *key)
        return smallest_of_classes(self._rules[key], source.scheme, size_nm)


def measured_table(
    store: Store,
    image: ImageRecord,
    revision: RevisionRecord,
    progress: Callable[[float], None],
    smallest: Smallest,
) -> ObjectTable:
    """The objects of a label map as somebody has measured them, with their contact distance; else measured and kept."""
    path = store.revisions.object_table_path(revision.id)
    kept = ObjectTable.load(path) if path.is_file() else None
    if kept is not None and kept.pixel_size_nm == image.pixel_size.nm:
        clean = kept.cleaned(smallest.px(image.pixel_size.nm))
        if not any(area != area for area in clean.seen_px):
            return clean
    contact_nm = CONTACT_NM if kept is None else kept.contact_nm
    table = measure_label_map(store, image, revision, contact_nm, progress, smallest)
    store.revisions.get(revision.id)  # gone meanwhile: then its folder must not come back
    table.save(path)
    return table
