"""Every page draws what an earlier version left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from core.settings import ROOT, current_settings
from core.store.store import current_store
from tests.core.store.old_data import ARCHIVES, unpack
from tests.pages.conftest import open_page, texts


@pytest.fixture(scope="module", params=ARCHIVES, ids=lambda archive: archive.name.removesuffix(".tar.xz"))
def old_app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppTest]:
    """The app on such a data folder."""
    folder = tmp_path_factory.mktemp("old")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRISTAE_DATA_DIR", str(unpack(request.param, folder / "data")))
        patch.setenv("CRISTAE_MODELS_DIR", str(folder / "models"))
        patch.setenv("CRISTAE_CONFIG", str(folder / "none.toml"))
        current_settings.cache_clear()
        app = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=30)
        app.session_state["person"] = "Bo"
        yield app.run()
        current_store().close()
    current_settings.cache_clear()


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "pages").glob("*_page.py")))
def test_pages_draw_an_old_data_folder(old_app: AppTest, script: str) -> None:
    (project,) = current_store().projects.all()
    page = open_page(old_app, script, project=project.id)
    assert not page.exception
    assert [error.value for error in page.error] == []
    assert texts(page)
