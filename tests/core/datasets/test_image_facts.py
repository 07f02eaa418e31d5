"""A fact of an image is declared once, and reaches everything that holds one."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest

from core.curation.sample_sheet import sheet_of
from core.datasets.case import CaseFacts
from core.datasets.image_facts import FACT_CHARS, FACTS, facts_of, kept_facts, read_facts_of
from core.datasets.import_case import ImportCase
from core.datasets.sample_sheet import COLUMNS, Names, read_facts
from core.jobs.kinds import IngestParams
from core.store.records import ImageRecord
from core.store.tables import ImageRow

EXAMPLE = {name: f"a {name}" for name in FACTS}


@pytest.mark.parametrize("holder", [ImageRecord, CaseFacts, ImportCase, IngestParams], ids=lambda each: each.__name__)
def test_what_holds_an_image_has_every_fact(holder: type) -> None:
    assert set(FACTS) <= {each.name for each in fields(holder)}


def test_every_fact_has_its_column() -> None:
    columns = ImageRow.__table__.columns
    assert {name: columns[name].type.length for name in FACTS} == dict.fromkeys(FACTS, FACT_CHARS)


def test_facts_pass_through_cases_and_imports() -> None:
    case = ImportCase.from_json(ImportCase("a", Path("a.tif"), **EXAMPLE).to_json())
    assert facts_of(case) == EXAMPLE
    assert read_facts_of(CaseFacts(name="a", **EXAMPLE).to_json()) == EXAMPLE
    assert facts_of(IngestParams.from_json(IngestParams(project_id="p", **EXAMPLE).to_json())) == EXAMPLE


@pytest.mark.parametrize("name", FACTS)
def test_a_sample_sheet_sets_every_fact_by_each_of_its_heads(name: str) -> None:
    for head in (name, *FACTS[name].heads):
        facts = read_facts(f"image\t{head}\na.tif\tseen", {"1": Names("a.tif")})
        assert facts.said == {"1": {name: "seen"}}


def test_no_head_means_two_facts() -> None:
    heads = Counter(head for name, fact in FACTS.items() for head in {name.replace("_", ""), *fact.heads})
    assert max(heads.values()) == 1
    assert set(FACTS) <= set(COLUMNS)
    assert list(sheet_of([]).columns) == list(COLUMNS)


def test_facts_are_kept_without_spaces_and_no_longer_than_their_columns() -> None:
    assert kept_facts({"specimen": f"  {'m' * 300} "}) == {"specimen": "m" * FACT_CHARS}
    with pytest.raises(TypeError, match=r"images have no spezimen; they have specimen"):
        kept_facts({"spezimen": "m"})
