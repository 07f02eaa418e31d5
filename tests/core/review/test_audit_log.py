"""The audit log only grows, and comes out whole."""

from __future__ import annotations

import csv
import io
import json
import sqlite3

import numpy as np
import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from core.access.roles import Role, set_member
from core.errors import AccessError
from core.review.audit_log import as_csv, as_json_lines, audit_entries
from core.review.double_annotation import ask_to_annotate
from core.store import Store
from core.store.audit import note
from core.store.records import ImageRecord, ProjectRecord
from core.store.review_tables import AuditRow
from tests.core.review.conftest import ADMIN, add_labels, add_project


def fill(store: Store, project_id: str, count: int = 2) -> None:
    with store.database.writing() as session:
        for number in range(count):
            note(session, "=Ada", "submitted", project_id, f"r{number}", reason='é, "quoted"')


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET who = 'nobody'",
        "DELETE FROM audit_log WHERE id = 1",
        "INSERT OR REPLACE INTO audit_log SELECT id, at, 'nobody', what, project_id, subject, details FROM audit_log",
    ],
    ids=["update", "delete", "replace"],
)
def test_nothing_changes_or_removes_a_line(store: Store, project: ProjectRecord, statement: str) -> None:
    fill(store, project.id)
    connection = sqlite3.connect(store.settings.data_dir / "cristae.sqlite3")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()
    assert [each.who for each in audit_entries(store, project.id, by="")] == ["=Ada", "=Ada"]


@pytest.mark.parametrize("change", [delete(AuditRow), update(AuditRow).values(who="nobody")], ids=["delete", "update"])
def test_nor_do_our_own_sessions(store: Store, project: ProjectRecord, change: object) -> None:
    fill(store, project.id)

    with pytest.raises(IntegrityError, match="append-only"), store.database.writing() as session:
        session.execute(change)  # type: ignore[call-overload]
    assert len(list(audit_entries(store, project.id, by=""))) == 2


def test_a_failed_transaction_leaves_no_line(store: Store, project: ProjectRecord) -> None:
    with pytest.raises(RuntimeError), store.database.writing() as session:
        note(session, "Ada", "submitted", project.id, "r")
        session.flush()
        raise RuntimeError
    assert list(audit_entries(store, project.id, by="")) == []


def test_the_log_outlives_its_project(store: Store, project: ProjectRecord) -> None:
    fill(store, project.id)
    store.projects.delete(project.id)
    assert len(list(audit_entries(store, project.id, by=""))) == 2


def test_exports_hold_every_line(store: Store, project: ProjectRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.store.audit._PAGE", 2)
    fill(store, project.id, 5)
    fill(store, store.projects.create("other", project.scheme).id)
    rows = list(csv.DictReader(io.StringIO(as_csv(audit_entries(store, project.id, by="")))))
    assert [row["subject"] for row in rows] == ["r0", "r1", "r2", "r3", "r4"]
    assert rows[0]["who"] == "'=Ada", "a spreadsheet must not run it"
    assert json.loads(rows[0]["details"]) == {"reason": 'é, "quoted"'}
    lines = [json.loads(line) for line in as_json_lines(audit_entries(store, project.id, by="", after=1)).splitlines()]
    assert [line["subject"] for line in lines] == ["r1", "r2", "r3", "r4"]
    assert lines[0]["who"] == "=Ada"


def test_only_admins_read_it(guarded: Store) -> None:
    project = add_project(guarded)
    set_member(guarded, project.id, "Rae", Role.REVIEWER, by=ADMIN)
    with pytest.raises(AccessError):
        audit_entries(guarded, project.id, by="Rae")
    assert [(each.what, each.subject) for each in audit_entries(guarded, project.id, by=ADMIN)] == [("role", "Rae")]


def test_lines_about_work_that_a_blind_assignment_hides_come_once_it_is_seen(
    store: Store, project: ProjectRecord, image: ImageRecord
) -> None:
    ask_to_annotate(store, image.id, ["Bo", "Cy"], by=ADMIN)
    revision = add_labels(store, image, np.ones((4, 4), np.uint8), author="Bo")

    def seen(person: str) -> bool:
        return any(entry.subject == revision.id for entry in audit_entries(store, project.id, by=person))

    assert [seen(person) for person in ("Bo", "Cy", ADMIN)] == [True, False, True]
    add_labels(store, image, np.ones((4, 4), np.uint8), author="Cy")
    assert seen("Cy")
