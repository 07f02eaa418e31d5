"""The Guide page: the page and section of the address, and a search over all of them."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.pages.conftest import open_page, texts


def test_it_opens_at_the_guide_and_at_any_page(app: AppTest) -> None:
    page = open_page(app, "guide_page.py")
    assert not page.exception
    assert page.title[0].value == "User guide"
    page = open_page(app, "guide_page.py", doc="formats")
    assert not page.exception
    assert page.title[0].value != "User guide"


def test_a_page_that_there_is_not_is_explained(app: AppTest) -> None:
    page = open_page(app, "guide_page.py", doc="../secrets", section='");alert(1)//')
    assert not page.exception
    assert "no page" in page.error[0].value
    assert page.title[0].value == "User guide"


def test_a_search_finds_sections(app: AppTest) -> None:
    page = open_page(app, "guide_page.py")
    page.text_input[0].set_value("pixel size").run()
    assert not page.exception
    found = texts(page)
    assert "[Pixel size](guide?doc=guide%2Fpixel-size&section=pixel-size)" in found
    page.text_input[0].set_value("quetzalcoatl").run()
    assert "0 sections" in texts(page)


def test_an_address_of_the_guide_as_one_page_opens_the_page_of_today(app: AppTest) -> None:
    page = open_page(app, "guide_page.py", doc="guide", section="measure-organelles")
    assert not page.exception
    assert page.title[0].value == "Measure organelles"
    page = open_page(app, "guide_page.py", doc="annotators")
    assert page.title[0].value == "Correct a prediction"


def test_a_page_is_chosen_from_the_guide_or_the_reference(app: AppTest) -> None:
    page = open_page(app, "guide_page.py", doc="guide/segment")
    guide, reference = page.radio
    assert (guide.value, reference.value) == ("guide/segment", None)
    page = reference.set_value("formats").run()
    assert not page.exception
    assert page.title[0].value == "Files that go in and out"
    page = page.radio[0].set_value("guide/measure").run()
    assert page.title[0].value == "Measure organelles"
