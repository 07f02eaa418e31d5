"""Models belong to a project or to all: who sees, downloads and changes them, and what the audit log says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from core.access.models import may_change_model, require_taking, shown_name, visible_models, visible_trash
from core.access.roles import Role, set_member
from core.curation.models import (
    archive_model,
    rename_model,
    restore_model,
    set_default_model,
    set_model_pixel_size,
    trash_model_as,
)
from core.errors import AccessError, CristaeError, ModelError, NotFoundError
from core.exports.choice import label_choices
from core.exports.start import start_file
from core.imaging.image import Image
from core.imaging.pyramid import write_label_pyramid
from core.label_scheme import DEFAULT_SCHEME
from core.models.store import SHARED, ModelStore
from core.projects.changes import change_project, create_project
from core.rounds.promotion import promote_model
from core.settings import Access, Settings
from core.store.records import RevisionKind
from core.store.review_tables import AuditRow
from core.store.store import Store
from tests.jobs import submit
from tests.models import write_model

PEOPLE = ("stranger", "", *(role.value for role in Role), "Other", "Root")


class Lab:
    """Project "here" with a member of each role, "there" with the admin Other; a model of each, and two of all."""

    def __init__(self, folder: Path, access: Access = Access.ROLES, admins: str = "Root") -> None:
        settings = Settings(
            data_dir=folder / "data", models_dir=folder / "models", min_free_bytes=0, access=access, admins=admins
        )
        self.store, self.models = Store(settings), ModelStore(settings.models_dir)
        self.here, self.there = (self.store.projects.create(name, DEFAULT_SCHEME).id for name in ("here", "there"))
        for role in Role:
            set_member(self.store, self.here, role.value, role, by="Root")
        set_member(self.store, self.there, "Other", Role.ADMIN, by="Root")
        owners = {"starter": "", "bought": SHARED, "ours": self.here, "theirs": self.there, "orphan": "gone"}
        for number, (name, owner) in enumerate(owners.items()):
            write_model(
                self.models.models_dir / name, pixel_size_nm=None, project_id=owner, created=f"2026-01-0{number}"
            )

    def sees(self, person: str) -> set[str]:
        return {model.id for model in visible_models(self.store, self.models.list(), person)}

    def log(self, project_id: str) -> list[tuple[str, str, str]]:
        wanted = select(AuditRow).where(AuditRow.project_id == project_id, AuditRow.what.like("model%"))
        with self.store.database.reading() as session:
            return [(row.who, row.what, row.subject) for row in session.scalars(wanted.order_by(AuditRow.id))]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path)
    yield made
    made.store.close()


def refused(work: Callable[[], Any]) -> bool:
    try:
        work()
    except (AccessError, NotFoundError):
        return True
    return False


def test_who_sees_which_models(lab: Lab) -> None:
    for_all = {"starter", "bought"}
    for role in Role:
        assert lab.sees(role.value) == {*for_all, "ours"}
    assert lab.sees("Other") == {*for_all, "theirs"}
    assert lab.sees("Root") == {*for_all, "ours", "theirs", "orphan"}
    assert lab.sees("stranger") == lab.sees("") == set()


def test_a_promoted_model_and_the_default_are_seen_but_not_taken_away(lab: Lab) -> None:
    promote_model(lab.store, lab.here, "theirs", "Root", "better")
    assert "theirs" in lab.sees("viewer")
    set_default_model(lab.store, lab.models, "orphan", by="Root")
    assert "orphan" in lab.sees("viewer")
    assert lab.sees("stranger") == set()
    for name in ("theirs", "orphan"):
        with pytest.raises(AccessError):
            require_taking(lab.store, name, "admin")
        with pytest.raises(AccessError):
            archive_model(lab.store, lab.models, name, True, by="admin")


@pytest.mark.parametrize("way", [require_taking, lambda s, m, p: start_file(s, "model", m, "bundle", {}, by=p)])
def test_who_downloads_which_models(lab: Lab, way: Callable[[Store, str, str], Any]) -> None:
    def taken(name: str) -> set[str]:
        return {person for person in PEOPLE if not refused(partial(way, lab.store, name, person))}

    members = {role.value for role in Role}
    assert taken("ours") == {*members, "Root"}
    assert taken("theirs") == {"Other", "Root"}
    assert taken("starter") == taken("bought") == {*members, "Other", "Root"}
    assert taken("orphan") == {"Root"}


CHANGES: dict[str, Callable[[Lab, str, str], Any]] = {
    "model_renamed": lambda lab, name, by: rename_model(lab.store, lab.models, name, "Another", by=by),
    "model_archived": lambda lab, name, by: archive_model(lab.store, lab.models, name, True, by=by),
    "model_offered": lambda lab, name, by: archive_model(lab.store, lab.models, name, False, by=by),
    "model_pixel_size": lambda lab, name, by: set_model_pixel_size(lab.store, lab.models, name, 8.0, by=by),
    "model_trashed": lambda lab, name, by: trash_model_as(lab.store, lab.models, name, by=by),
}


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("ours", {"reviewer", "admin", "Root"}),
        ("theirs", {"Other", "Root"}),
        ("bought", {"Root"}),
        ("orphan", {"Root"}),
    ],
)
def test_who_changes_which_models_and_the_log_says_so(lab: Lab, name: str, allowed: set[str]) -> None:
    card = lab.models.models_dir / name / "card.json"
    before, owner = card.read_text(), {"ours": lab.here, "theirs": lab.there, "bought": "", "orphan": "gone"}[name]
    for person in set(PEOPLE) - allowed:
        assert not may_change_model(lab.store, lab.models.get(name), person)
        for change in CHANGES.values():
            with pytest.raises(AccessError):
                change(lab, name, person)
    assert (card.read_text(), lab.log(owner)) == (before, [])
    expected = []
    for what, change in CHANGES.items():
        person = min(allowed)
        assert may_change_model(lab.store, lab.models.get(name), person)
        change(lab, name, person)
        expected.append((person, what, name))
        assert lab.log(owner) == expected


def test_the_trash_shows_and_gives_back_what_is_ones_own(lab: Lab) -> None:
    for name in ("ours", "theirs"):
        trash_model_as(lab.store, lab.models, name, by="Root")
    assert [item.id for item in visible_trash(lab.store, lab.models, "reviewer")] == ["ours"]
    assert visible_trash(lab.store, lab.models, "annotator") == ()
    with pytest.raises(AccessError):
        restore_model(lab.store, lab.models, "theirs", by="reviewer")
    restore_model(lab.store, lab.models, "ours", by="reviewer")
    assert lab.log(lab.here)[-1] == ("reviewer", "model_restored", "ours")
    with pytest.raises(NotFoundError):
        restore_model(lab.store, lab.models, "ours", by="Root")


def test_only_who_is_admin_everywhere_chooses_the_default(lab: Lab) -> None:
    for person in set(PEOPLE) - {"Root"}:
        with pytest.raises(AccessError):
            set_default_model(lab.store, lab.models, "ours", by=person)
    set_default_model(lab.store, lab.models, "ours", by="Root")
    assert lab.models.default().id == "ours"  # type: ignore[union-attr]
    assert lab.log(lab.here) == [("Root", "model_default", "ours")]


def test_where_nobody_is_admin_everywhere_admins_of_projects_stand_in(tmp_path: Path) -> None:
    lab = Lab(tmp_path, access=Access.OPEN, admins="")
    lab.store._data.settings = lab.store.settings.model_copy(update={"access": Access.ROLES})
    with pytest.raises(AccessError):
        rename_model(lab.store, lab.models, "bought", "x", by="reviewer")
    rename_model(lab.store, lab.models, "bought", "x", by="admin")
    with pytest.raises(AccessError):
        rename_model(lab.store, lab.models, "theirs", "x", by="admin")
    lab.store.close()


def test_with_open_access_everybody_may_everything(tmp_path: Path) -> None:
    lab = Lab(tmp_path, access=Access.OPEN)
    assert lab.sees("") == {"starter", "bought", "ours", "theirs", "orphan"}
    for name in ("ours", "theirs", "bought", "orphan"):
        require_taking(lab.store, name, "")
        rename_model(lab.store, lab.models, name, "x", by="")
    set_default_model(lab.store, lab.models, "ours", by="")
    lab.store.close()


def test_a_refusal_names_no_project_that_one_may_not_see(lab: Lab) -> None:
    promote_model(lab.store, lab.there, "ours", "Root", "better")
    with pytest.raises(ModelError) as told:
        trash_model_as(lab.store, lab.models, "ours", by="admin")
    assert "of there" not in str(told.value)
    with pytest.raises(ModelError, match="of there"):
        trash_model_as(lab.store, lab.models, "ours", by="Root")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("predict", "model_id"),
        ("evaluate", "model_id"),
        ("scale_trial", "model_id"),
        ("train", "model_id"),
        ("train", "parent_id"),
    ],
)
def test_jobs_use_only_models_that_one_may_see(lab: Lab, kind: str, name: str) -> None:
    with pytest.raises(NotFoundError, match="theirs"):
        submit(kind, {"project_id": lab.here, name: "theirs"}, by="admin", store=lab.store)
    submit(kind, {"project_id": lab.here, name: "ours"}, by="admin", store=lab.store)
    with pytest.raises(NotFoundError):
        promote_model(lab.store, lab.here, "theirs", "admin", "better")


def test_an_import_belongs_to_a_project_or_needs_an_admin_of_all(lab: Lab) -> None:
    upload = {"upload_id": "0" * 32}
    for person in ("viewer", "annotator", "reviewer", "admin", "Other"):
        with pytest.raises(AccessError):
            submit("import_model", upload, by=person, store=lab.store)
    submit("import_model", upload, by="Root", store=lab.store)
    submit("import_model", {**upload, "project_id": lab.here}, by="reviewer", store=lab.store)
    with pytest.raises(AccessError):
        submit("import_model", {**upload, "project_id": lab.there}, by="reviewer", store=lab.store)


def test_what_a_bundle_says_of_its_project_does_not_count_here(lab: Lab) -> None:
    (lab.models.models_dir / "bought" / "snapshot.json").write_text(json.dumps({"project_id": lab.there}))
    assert lab.models.get("bought").project_id == SHARED
    assert lab.models.give_to("bought", lab.here).project_id == lab.here
    assert lab.models.give_to("bought", None).project_id == SHARED


def test_projects_are_changed_by_who_manages_them_at_that_moment(lab: Lab) -> None:
    """A dialog that was open when its admin was demoted saves nothing."""
    change_project(lab.store, lab.here, by="admin", name="liver", pixel_size_nm=8.0)
    set_member(lab.store, lab.here, "admin", Role.REVIEWER, by="Root")
    for person in ("admin", "reviewer", "Other", "", "stranger"):
        with pytest.raises(AccessError):
            change_project(lab.store, lab.here, by=person, name="mine", scheme=DEFAULT_SCHEME)
    assert lab.store.projects.get(lab.here).name == "liver"
    with lab.store.database.reading() as session:
        (row,) = session.scalars(select(AuditRow).where(AuditRow.what == "project_changed")).all()
    assert row.details["changes"] == {"name": ["here", "liver"], "pixel_size_nm": [None, 8.0]}
    assert row.who == "admin"


def test_whoever_makes_a_project_is_its_admin(lab: Lab) -> None:
    for person in ("reviewer", "", "stranger"):
        with pytest.raises(AccessError):
            create_project(lab.store, "new", DEFAULT_SCHEME, by=person)
    made = create_project(lab.store, "new", DEFAULT_SCHEME, by="Other")
    change_project(lab.store, made.id, by="Other", name="newer")
    with pytest.raises(AccessError):
        change_project(lab.store, made.id, by="admin", name="mine")


def test_a_change_that_fails_leaves_no_line(lab: Lab) -> None:
    with pytest.raises(CristaeError):
        rename_model(lab.store, lab.models, "ours", " " * 5, by="admin")
    with pytest.raises(CristaeError):
        change_project(lab.store, lab.here, by="admin", name="there")
    assert lab.log(lab.here) == []


def test_a_model_is_named_to_who_may_see_it(tmp_path: Path) -> None:
    """Its label maps may have been copied with their images into a project of others."""
    lab = Lab(tmp_path)
    image = lab.store.images.add(lab.here, Image(np.ones((4, 4), np.uint8), name="copied"))
    for model_id in ("theirs", "forgotten"):
        made = lab.store.revisions.begin(image.id, RevisionKind.PREDICTION, model_id=model_id)
        write_label_pyramid(lab.store.revisions.pyramid_path(made.id), np.ones((4, 4), np.uint8), pixel_size_nm=8.0)
        lab.store.revisions.complete(made.id)
    for person, name in (("reviewer", "a model of another project"), ("Root", "Theirs")):
        assert shown_name(lab.store, lab.models, "theirs", person) == name
        offered = label_choices(lab.store, lab.here, person)
        assert offered["model:theirs"] == f"Predictions of {name}"
        assert offered["model:forgotten"] == "Predictions of forgotten"
    lab.store.close()
