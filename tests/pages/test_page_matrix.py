"""Every page and every address, by project, role and blindness: nothing of another project, and a way back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ElementTree

from core.settings import ROOT, current_settings
from tests.pages.conftest import texts
from tests.pages.lab import FOREIGN, OURS, Lab, Things, build
from ui.main import PAGES
from ui.results.choices import Section as ResultsSection
from ui.review.sections import Section as ReviewSection
from ui.state import Query
from ui.train.sections import Section as TrainSection


def everything(page: AppTest) -> str:
    """All that goes to the browser: elements, blocks, and the arguments of our own components."""
    parts, waiting = [], [page._tree]
    while waiting:
        node = waiting.pop()
        parts.append(str(getattr(node, "proto", "")))
        waiting += getattr(node, "children", {}).values()
    return "\n".join(parts)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with pytest.MonkeyPatch.context() as patch:
        made = build(tmp_path_factory.mktemp("lab"), patch)
        yield made
        made.store.close()
    current_settings.cache_clear()


_tabs: dict[str, AppTest] = {}


def opened(script: str, person: str, **query: str) -> AppTest:
    """A page as in a new tab of a person."""
    if person not in _tabs:  # the first page has to run once before others can be chosen
        _tabs[person] = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=30)
        _tabs[person].session_state["person"] = person
        _tabs[person].run()
    app = _tabs[person]
    app.session_state = SafeSessionState(SessionState(), lambda: None)
    app._tree = ElementTree()
    app._tree._runner = app
    app.session_state["person"] = person
    app.query_params = dict(query)
    page = app.switch_page(f"../pages/{script}").run()
    assert not page.exception, (script, person, query, page.exception)
    return page


SCRIPTS = [page[0] for page in PAGES]

SECTIONS = {
    "results_page.py": ResultsSection,
    "review_page.py": ReviewSection,
    "train_page.py": TrainSection,
}
"""Pages of several parts."""

NO_ID = frozenset(
    {
        Query.SECTION, Query.DOC, Query.METRIC, Query.ERROR_CLASS, Query.PLACE, Query.CLASS, Query.DOUBT, Query.MEASURE,
        Query.CONTACT, Query.LEAST_UM2, Query.LEAST_PX, Query.WHOLE, Query.COLUMNS, Query.REFERENCE, Query.SCALE,
        Query.MIXED, Query.ROWS, Query.ENTRY, Query.CORRECTED,
    }
)  # fmt: skip
"""Parameters of an address that name nothing of a project."""


def ids_of(things: Things) -> dict[Query, tuple[str, ...]]:
    """What each other parameter may name of a project."""
    return {
        Query.IMAGE: (things.image, things.test_image),
        Query.MODEL: (things.model,),
        Query.PROJECT: (things.project,),
        Query.BATCH: (things.batch,),
        Query.JOB: things.jobs,
        Query.EVALUATION: things.evaluations[:1],
        Query.COMPARED: things.evaluations[:1],
        Query.REVISION: (things.prediction, things.correction),
        Query.SOURCE: (f"model:{things.model}",),
    }


def test_every_page_and_every_parameter_of_an_address_is_in_the_matrix(lab: Lab) -> None:
    assert set(SCRIPTS) == {path.name for path in (ROOT / "pages").glob("*.py")}
    assert set(ids_of(lab.there)) | NO_ID == set(Query)
    assert not set(ids_of(lab.there)) & NO_ID


SAYS = {
    ("segment_page.py", Query.IMAGE): "may not see this project",
    ("segment_page.py", Query.PROJECT): "This link points to a project",
    ("results_page.py", Query.PROJECT): "This link points to a project",
    ("results_page.py", Query.EVALUATION): "This link points to an evaluation that is no longer in this project",
    ("results_page.py", Query.COMPARED): "This link points to an evaluation that is no longer in this project",
    ("results_page.py", Query.IMAGE): "This link points to an image outside this evaluation",
    ("measure_page.py", Query.PROJECT): "This link points to a project",
    ("measure_page.py", Query.SOURCE): "This link points to label maps that are no longer in this project",
    ("correct_page.py", Query.PROJECT): "This link points to a project",
    ("correct_page.py", Query.IMAGE): "This link points to an image that is no longer in this project",
    ("correct_page.py", Query.REVISION): "This link points to a label map that does not exist",
    ("review_page.py", Query.PROJECT): "This link points to a project",
    ("review_page.py", Query.REVISION): "may not see this project",
    ("data_page.py", Query.PROJECT): "This link points to a project",
    ("data_page.py", Query.BATCH): "You have no batch",
    ("train_page.py", Query.PROJECT): "This link points to a project",
    ("models_page.py", Query.MODEL): "does not exist or was deleted",
    ("jobs_page.py", Query.JOB): "This job belongs to a project in which you have no role",
}
"""What a page says to an admin of one project whose address names a thing of another."""

SHOWN_IN = {
    ("results_page.py", Query.COMPARED): ResultsSection.COMPARE,
    ("results_page.py", Query.IMAGE): ResultsSection.IMAGE,
}
"""The part of a page that reads a parameter, where that is not the first."""


def sections(script: str) -> list[str]:
    """The parts of a page, "" for the one that opens."""
    return ["", *SECTIONS.get(script, ())]


def address(section: str, parameter: Query | None = None, value: str = "") -> dict[str, str]:
    """The parameters of an address."""
    named = {Query.SECTION.value: section} if section else {}
    return named | ({parameter.value: value} if parameter else {})


def leaks(page: AppTest, lab: Lab, asked: tuple[str, ...]) -> set[str]:
    """What the page tells of the other project, but for what the address said itself."""
    sent = everything(page)
    return {word for word in (FOREIGN, *lab.there.ids) if word in sent and word not in asked}


def at_once(things: Things) -> dict[str, str]:
    """An address that names one of everything."""
    return {parameter.value: values[0] for parameter, values in ids_of(things).items()}


@pytest.mark.parametrize("script", SCRIPTS)
def test_nothing_of_another_project_is_on_a_page_whatever_its_address_says(lab: Lab, script: str) -> None:
    """An admin of one project, who has no role in the other, opens each part of a page without and with its ids."""
    found = []
    foreign = at_once(lab.there)
    own_project = foreign | {Query.PROJECT.value: lab.here.project}
    for section in sections(script):
        for asked in ({}, foreign, own_project):
            leaked = leaks(opened(script, "admin", **address(section), **asked), lab, tuple(asked.values()))
            found += [f"{section} {sorted(asked)}: {leak}" for leak in leaked]
    assert not found


@pytest.mark.parametrize("person", ["", "stranger"])
def test_whoever_has_no_role_finds_nothing_of_any_project(lab: Lab, person: str) -> None:
    found = []
    for script in SCRIPTS:
        for asked in ({}, at_once(lab.here)):
            sent = everything(opened(script, person, **asked))
            for word in (OURS, "QOURS", FOREIGN, *lab.here.ids, *lab.there.ids):
                if word in sent and word not in asked.values():
                    found.append(f"{script} {sorted(asked)}: {word}")
    assert not found


def own_address(lab: Lab, script: str, parameter: Query) -> dict[str, str]:
    """The same link within one's own project."""
    own = {parameter.value: ids_of(lab.here)[parameter][0]}
    if script == "results_page.py" and parameter is Query.IMAGE:
        own[parameter.value] = lab.here.test_image
    if script == "correct_page.py" and parameter is Query.REVISION:
        own[Query.IMAGE.value] = lab.here.image
    if script == "review_page.py" and parameter is Query.REVISION:
        own[parameter.value] = lab.here.correction
    return own


@pytest.mark.parametrize(("script", "parameter"), SAYS, ids=[f"{script}-{name}" for script, name in SAYS])
def test_a_link_into_another_project_is_explained_and_leads_back(lab: Lab, script: str, parameter: Query) -> None:
    section = address(SHOWN_IN.get((script, parameter), ""))
    for value in ids_of(lab.there)[parameter]:
        if (script, parameter, value) == ("review_page.py", Query.REVISION, lab.there.prediction):
            continue  # no correction: nothing to review
        page = opened(script, "admin", **section, **{parameter.value: value})
        assert SAYS[script, parameter] in texts(page)
        assert [button for button in page.button if not button.disabled] or page.selectbox, "no way back"
        assert not leaks(page, lab, (value,))
    page = opened(script, "admin", **section, **own_address(lab, script, parameter))
    assert SAYS[script, parameter] not in texts(page)


def test_the_matrix_would_see_what_it_looks_for(lab: Lab) -> None:
    """Whoever has the role finds each thing there: the tests above cannot pass by looking for nothing."""
    sam, sent = f"{FOREIGN} Sam", ""
    for script, parameter in SAYS:
        for value in ids_of(lab.there)[parameter]:
            sent += everything(opened(script, sam, **{parameter.value: value}))
    assert {word for word in (FOREIGN, *lab.there.ids) if word not in sent} == {lab.there.batch}


def test_work_that_a_blind_assignment_hides_is_on_no_page(lab: Lab) -> None:
    found, sent = [], ""
    named = {Query.PROJECT.value: lab.here.project, Query.IMAGE.value: lab.blind}
    linked = named | {Query.REVISION.value: lab.hidden["revision"]}
    for script in SCRIPTS:
        for section in sections(script):
            for asked in (named, linked):
                sent = everything(opened(script, "Cy", **address(section), **asked))
                told = [name for name, word in lab.hidden.items() if word in sent and word not in asked.values()]
                found += [f"{script} {section} {sorted(asked)}: {name}" for name in told]
    assert not found
    sent = everything(opened("review_page.py", "reviewer", **linked)) + everything(
        opened("correct_page.py", "Bo", **named)
    )
    assert all(word in sent for word in lab.hidden.values())
