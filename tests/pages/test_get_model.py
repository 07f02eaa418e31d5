"""*Get a model* on the Models page: the list, the terms, what is asked for, and what came of it."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs.kinds import FetchModelParams, JobKind
from core.jobs.rows import jobs
from core.store.records import JobState
from core.store.store import Store
from core.store.tables import JobRow
from tests.models import write_model
from tests.pages.conftest import open_page, texts

PAGE = "models_page.py"


def entry(name: str, **changes: Any) -> dict[str, Any]:
    file = {"name": f"{name}.zip", "url": f"https://s.example/{name}.zip", "size_bytes": 2_000_000}
    return {
        "id": name,
        "name": f"Model {name}",
        "kind": "bundle",
        "licence": "CC BY 4.0",
        "licence_url": "https://l.example/by",
        "tissue": [f"{name} tissue"],
        "classes": ["mitochondria", f"{name} class"],
        "pixel_size_nm": 8.0,
        "citation": "Doe *2026*",
        "files": [{**file, "sha256": sha256(b"x").hexdigest()}],
        **changes,
    }


@pytest.fixture
def listed(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalogue of two models, and one entry that is wrong."""
    path = tmp_path / "list.json"
    entries = [entry("liver"), entry("nerve", tested=True), {"id": "wrong"}]
    path.write_text(json.dumps({"catalogue_version": 1, "entries": entries}))
    use(monkeypatch, store, catalogue=str(path))
    return path


def use(monkeypatch: pytest.MonkeyPatch, store: Store, **changes: Any) -> None:
    """Other settings, for the store and for pages."""
    settings = store.settings.model_copy(update=changes)
    monkeypatch.setattr(store._data, "settings", settings)
    for module in ("ui.models.get_model", "ui.models.accept_model"):
        monkeypatch.setattr(f"{module}.current_settings", lambda: settings)


def opened(app: AppTest, entry_id: str = "") -> AppTest:
    return open_page(app, PAGE, section="get", **({"entry": entry_id} if entry_id else {}))


def buttons(page: AppTest) -> dict[str, Any]:
    return {button.label: button for button in page.button}


def test_the_list_is_filtered_by_tissue_and_class(listed: Path, app: AppTest) -> None:
    page = opened(app)
    assert not page.exception
    shown = texts(page)
    assert "Model liver :orange-badge[not tested]" in shown and "Model nerve :green-badge[tested]" in shown
    assert "Catalogue entries that cannot be used" in " ".join(each.label for each in page.expander)
    page.selectbox(key="catalogue-tissue").set_value("nerve tissue").run()
    assert "Model nerve" in texts(page) and "Model liver" not in texts(page)
    page.selectbox(key="catalogue-class").set_value("liver class").run()
    assert "No models match" in texts(page)


def test_a_model_is_fetched_only_after_its_licence_was_accepted(listed: Path, store: Store, app: AppTest) -> None:
    page = opened(app, "liver")
    assert not page.exception
    assert "2.0 MB" in texts(page) and "[CC BY 4.0](https://l.example/by)" in texts(page)
    assert "Doe \\*2026\\*" in texts(page)
    assert buttons(page)["Fetch model"].disabled
    page.checkbox(key="accept-liver").check().run()
    buttons(page)["Fetch model"].click().run()
    assert not page.exception
    (row,) = jobs(kinds=[JobKind.FETCH_MODEL], store=store)
    params = FetchModelParams.from_json(row.params)
    assert (params.licence, params.entry["id"], params.folder) == ("CC BY 4.0", "liver", "")


def test_what_was_fetched_leads_on_to_segment(listed: Path, store: Store, app: AppTest) -> None:
    page = opened(app, "liver")
    page.checkbox(key="accept-liver").check().run()
    buttons(page)["Fetch model"].click().run()
    (row,) = jobs(kinds=[JobKind.FETCH_MODEL], store=store)
    write_model(store.settings.models_dir / "fetched", name="Fetched liver")
    with store.database.writing() as session:
        changed = session.get_one(JobRow, row.id)
        changed.state = JobState.SUCCEEDED.value
        changed.result = {"model_ids": ["fetched"], "left_out": [{"name": "b.zip", "cause": "It is 3D."}]}
    page.run()
    assert not page.exception
    assert "Fetched liver** was imported" in texts(page) and "b.zip: It is 3D." in texts(page)
    assert "Segment with it" in [str(link.label) for link in page.get("page_link")]


def test_without_a_network_the_files_to_bring_are_named(
    listed: Path, store: Store, app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, store, fetching=False)
    page = opened(app, "liver")
    assert not page.exception and "Fetch model" not in buttons(page)
    assert "liver.zip: [https\\://s.example/liver.zip](https://s.example/liver.zip)" in texts(page)
    page.text_input(key="fetch-folder").set_value(str(tmp_path)).run()
    assert buttons(page)["Import from folder"].disabled
    page.checkbox(key="accept-liver").check().run()
    buttons(page)["Import from folder"].click().run()
    (row,) = jobs(kinds=[JobKind.FETCH_MODEL], store=store)
    assert row.params["folder"] == str(tmp_path) and row.params["fenced"]


def test_a_model_of_a_record_is_looked_up_first(
    listed: Path, store: Store, app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(app, "must-em-human-liver")
    assert not page.exception and "not known yet" in texts(page) and "Fetch model" not in buttons(page)
    buttons(page)["Look up size and licence"].click().run()
    (row,) = jobs(kinds=[JobKind.LOOK_UP], store=store)
    found = entry("must-em-human-liver", kind="nnunet", licence="cc-by-4.0")
    with store.database.writing() as session:
        changed = session.get_one(JobRow, row.id)
        changed.state, changed.result = JobState.SUCCEEDED.value, {"entry": found}
    page.run()
    assert "I accept this licence (cc-by-4.0)" in [box.label for box in page.checkbox]
    assert buttons(page)["Fetch model"].disabled


def test_an_address_that_names_no_entry_shows_the_list(listed: Path, app: AppTest) -> None:
    page = opened(app, "nowhere")
    assert "no model nowhere" in texts(page) and "Model liver" in texts(page)
