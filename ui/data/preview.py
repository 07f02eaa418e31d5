"""The table of what would be imported: what pairs with what, what is open, what is refused and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd
import streamlit as st

from core.cache import MB, remembered
from core.datasets.case import Split
from core.datasets.image_facts import FACTS, ImageFacts, facts_of
from core.datasets.import_case import ImportCase
from core.datasets.import_check import ImportCheck, check_import, without_mixed_stacks
from core.datasets.import_plan import ImportPlan
from core.datasets.leakage import straddling
from core.errors import CristaeError, Refusal
from core.files import file_stamp
from core.imaging.image import PixelSize, PixelSizeSource
from core.jobs.kinds import ImportCasesParams
from core.jobs.rows import Priority, submit
from core.label_scheme import LabelScheme
from core.outside.guarded import GIB, Limits, Subject, guarded_with
from core.settings import current_settings
from core.store.records import ProjectRecord
from core.store.store import Store
from core.wording import counted, files_and_images, some_of
from ui import context
from ui.data.facts import facts_panel
from ui.data.splits import straddle_warning
from ui.errors import plain, show_error
from ui.parts.label_questions import answered
from ui.parts.pixel_size_field import UNITS, pixel_size_field, size_cell, sortable_size_cell, typed_size
from ui.parts.refusals import notices_panel, refusals_panel
from ui.parts.units import shape_cell
from ui.person import person
from ui.state import Query, StateKey, set_query

_DEEP_PX: Final = 100_000_000
"""Pixels that are read for the preview, some seconds' worth; beyond, only headers are looked at."""

_LIMITS: Final = Limits(memory_bytes=4 * GIB, busy_s=120.0)
"""Of looking at one image and its labels."""

_PROVENANCE: Final = {
    PixelSizeSource.FILE: "file",
    PixelSizeSource.USER: "entered",
    PixelSizeSource.UNKNOWN: "unknown",
}
_AS_FOUND: Final = "as detected"
_FIXED: Final = ("Image", "Labels", "Size", "Size of labels", "From", "State")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What is set for all images at once; empty: as found. ``refused``: what is typed is no pixel size."""

    facts: ImageFacts
    split: str
    stack: str
    pixel_size_nm: float | None
    refused: bool = False


def preview_panel(project: ProjectRecord, plan: ImportPlan, *, batch_id: str | None) -> None:
    """The table, its warnings, and the button that begins the import."""
    checks = _checked(plan.cases, project.scheme)
    answers = answered(project, checks)
    if answers:
        plan = replace(plan, cases=tuple(answers.get(case, case) for case in plan.cases))
        checks = _checked(plan.cases, project.scheme)
    checks = list(without_mixed_stacks(checks))
    refused = [check for check in checks if check.refusal]
    refusals = [*plan.refusals, *(check.refusal for check in refused if check.refusal)]
    refusals_panel(refusals, "file", others=len(checks) - len(refused))
    same = there_before(checks, images_by_content(context.store(), project.id))
    _tell_there_before(checks, same)
    defaults = _defaults(project)
    labelled = sum(bool(check.case.label_paths) for check in checks)
    st.markdown(
        f"**{files_and_images([check.pages for check in checks])}**, **{labelled}** with labels"
        + (f", **{len(refused)}** refused" if refused else "")
        + ". Columns with a pen icon can be edited. Nothing is saved yet."
    )
    table = pd.DataFrame([_row(check, defaults, of) for check, of in zip(checks, same, strict=True)])
    edited = st.data_editor(
        table,
        key=f"data-preview-{abs(hash((plan, defaults, project.id, same)))}",
        hide_index=True,
        placeholder="–",
        width="stretch",
        height=min(38 + 35 * len(table), 560),
        disabled=list(_FIXED),
        column_config={
            "Import": st.column_config.CheckboxColumn(width="small"),
            "Size": st.column_config.TextColumn(alignment="right"),
            "Size of labels": st.column_config.TextColumn(alignment="right"),
            "Pixel size": st.column_config.TextColumn("Pixel size (nm)", alignment="right", help=UNITS),
            "Split": st.column_config.SelectboxColumn(options=list(Split), required=True),
            "z": st.column_config.NumberColumn(help="Position in the stack, counted from 0.", step=1),
        },
    )
    rows = _dicts(edited)
    refused_sizes = _refused_sizes(checks, rows)
    for cause, remedy in refused_sizes:
        show_error(cause, remedy)
    chosen = [] if refused_sizes or defaults.refused else chosen_cases(checks, rows)
    notices_panel([(check.case.name, note) for check in checks if not check.refusal for note in check.notes])
    facts_panel(checks)
    straddle_warning(straddling(chosen))
    unknown = unknown_sizes(checks, rows)
    if unknown:
        st.info(
            f"The pixel size of {counted(unknown, 'image')} is unknown. Enter it above, or add it later.",
            icon=":material/straighten:",
        )
    pages = [check.pages for check, row in zip(checks, rows, strict=True) if row["Import"] and not check.refusal]
    label = f"Import {files_and_images(pages if chosen else ())}"
    if st.button(label, type="primary", icon=":material/download:", disabled=not chosen):
        cases = tuple(case.to_json() for case in chosen)
        submit(
            ImportCasesParams(project_id=project.id, cases=cases, batch_id=batch_id or ""),
            by=person(),
            priority=Priority.INTERACTIVE,
        )
        set_query(Query.BATCH, None)
        st.session_state[StateKey.IMPORTS_BEGUN] = st.session_state.get(StateKey.IMPORTS_BEGUN, 0) + 1
        st.rerun()


def chosen_cases(checks: Sequence[ImportCheck], rows: Sequence[dict[str, Any]]) -> list[ImportCase]:
    """The cases as edited; without those that are refused or not wanted.

    Parameters
    ----------
    checks, rows
        In the same order.
    """
    chosen = []
    for check, row in zip(checks, rows, strict=True):
        if check.refusal or not row["Import"]:
            continue
        size_nm, z_index = typed_size(row["Pixel size"]).nm, row["z"]
        facts: dict[str, Any] = {name: str(row[fact.title] or "").strip() for name, fact in FACTS.items()}
        case = replace(
            check.case,
            **facts,
            split=Split(row["Split"]),
            stack=str(row["Stack"] or "").strip(),
            z_index=None if pd.isna(z_index) else int(z_index),
        )
        if size_nm is not None and size_cell(size_nm) != size_cell(check.pixel_size.nm):
            case = replace(case, pixel_size_nm=size_nm, pixel_size_source=PixelSizeSource.USER)
        chosen.append(case)
    return chosen


def _defaults(project: ProjectRecord) -> Defaults:
    """Fields for all images at once."""
    *columns, split, stack, size = st.columns(len(FACTS) + 3, vertical_alignment="bottom")
    with size:
        usual = pixel_size_field(
            "Pixel size if unknown",
            value_nm=project.pixel_size_nm,
            placeholder="unknown",
            key=f"data-all-size-{project.id}",
        )
    return Defaults(
        ImageFacts(
            **{
                name: column.text_input(
                    f"{fact.title} for all", key=f"data-all-{name}", placeholder="as detected", help=fact.help or None
                ).strip()
                for column, (name, fact) in zip(columns, FACTS.items(), strict=True)
            }
        ),
        split.selectbox("Split for all", [_AS_FOUND, *Split], key="data-all-split"),
        stack.text_input("Stack for all", key="data-all-stack", placeholder="as detected").strip(),
        usual.nm,
        usual.refused,
    )


def images_by_content(store: Store, project_id: str) -> dict[str, str]:
    """What a project knows its images by, to their names; those in the trash too."""
    images = (*store.trash.images(project_id), *store.images.all(project_id))
    return {image.content_hash: image.name for image in images}


def there_before(checks: Sequence[ImportCheck], names_by_content: Mapping[str, str]) -> tuple[str, ...]:
    """For each check the image, or the earlier file, that has the same pixels; "" where none has.

    Parameters
    ----------
    names_by_content
        `images_by_content` of the project.
    """
    known = dict(names_by_content)
    same = []
    for check in checks:
        if check.refusal or not check.content:
            same.append("")
            continue
        same.append(known.get(check.content, ""))
        known.setdefault(check.content, check.case.image_path.name)
    return tuple(same)


def _tell_there_before(checks: Sequence[ImportCheck], same: Sequence[str]) -> None:
    """How many files are no new images, which, and what becomes of them."""
    names = [f"{check.case.image_path.name} (as {of})" for check, of in zip(checks, same, strict=True) if of]
    if not names:
        return
    has = "has" if len(names) == 1 else "have"
    st.info(
        f"{counted(len(names), 'image')} {has} the same pixels as an existing image or an earlier file: "
        f"{plain(some_of(names))}. Duplicates are not imported again; only their labels are added, if any.",
        icon=":material/content_copy:",
    )


def _row(check: ImportCheck, defaults: Defaults, of: str = "") -> dict[str, Any]:
    """One row of the table; ``of``: the image that has the same pixels."""
    case, refusal = check.case, check.refusal
    size, source = check.pixel_size.nm, _PROVENANCE[check.pixel_size.source]
    if size is None and defaults.pixel_size_nm is not None:
        size, source = defaults.pixel_size_nm, "entered"
    pages = f" · {check.pages} pages" if check.pages > 1 else ""
    return {
        "Import": refusal is None and not (of and not case.label_paths),
        "Image": case.image_path.name,
        "Labels": ", ".join(path.name for path in case.label_paths) or "none",
        "Size": shape_cell(check.shape_yx) + pages if check.shape_yx else "",
        "Size of labels": shape_cell(check.label_shape_yx) if check.label_shape_yx else "",
        "Pixel size": sortable_size_cell(size),
        "From": source,
        **{FACTS[name].title: getattr(defaults.facts, name) or text for name, text in facts_of(case).items()},
        "Split": str(case.split if defaults.split == _AS_FOUND else defaults.split),
        "Stack": defaults.stack or case.stack,
        "z": case.z_index,
        "State": "refused" if refusal else f"same pixels as {of}" if of else _ready(len(check.notes)),
    }


def _ready(remarks: int) -> str:
    """What the table says of an image that can be imported."""
    return "ready" if not remarks else f"ready, {remarks} remark{'s' if remarks > 1 else ''}"


def unknown_sizes(checks: Sequence[ImportCheck], rows: Sequence[dict[str, Any]]) -> int:
    """Images to be imported whose pixel size neither the file says nor anybody has entered.

    Parameters
    ----------
    checks, rows
        In the same order.
    """
    return sum(
        bool(row["Import"])
        and not check.refusal
        and check.pixel_size.nm is None
        and typed_size(row["Pixel size"]).nm is None
        for check, row in zip(checks, rows, strict=True)
    )


def _refused_sizes(checks: Sequence[ImportCheck], rows: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Cause and remedy of each typed pixel size that is none, of images that are to be imported."""
    typed = [
        (check.case.name, typed_size(row["Pixel size"]))
        for check, row in zip(checks, rows, strict=True)
        if row["Import"]
    ]
    return [(f"{name}: {size.cause}", size.remedy) for name, size in typed if size.refused]


def _dicts(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _checked(cases: Sequence[ImportCase], scheme: LabelScheme) -> list[ImportCheck]:
    """What the files hold; read once, until they change."""
    checks = []
    read_px = 0
    for case in cases:
        check = _check(case, scheme, read_px < _DEEP_PX, _stamps(case))
        if check.shape_yx:
            read_px += check.shape_yx[0] * check.shape_yx[1]
        checks.append(check)
    if read_px >= _DEEP_PX:
        st.caption(
            "Many images: only names and sizes of the later ones are checked now. The other checks run on import."
        )
    return checks


@remembered("checked files of an import", "what files hold that are about to be imported", limit_bytes=32 * MB)
def _check(case: ImportCase, scheme: LabelScheme, deep: bool, stamps: tuple[Any, ...]) -> ImportCheck:
    """`check_import` in a guarded process, remembered as long as the files are the same."""
    try:
        subject = Subject(case.image_path.name)
        max_px = current_settings().max_image_px
        return guarded_with(_LIMITS, subject, check_import, case, scheme, deep=deep, max_px=max_px)
    except CristaeError as error:
        refusal = Refusal.at(case.name, error)
        return ImportCheck(case, None, 0, None, PixelSize(), refusal=refusal)


def _stamps(case: ImportCase) -> tuple[Any, ...]:
    """Times and sizes of the files."""
    return tuple(file_stamp(path) for path in case.paths)
