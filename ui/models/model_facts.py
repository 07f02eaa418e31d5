"""What a model's card says, drawn: classes with their Dice, lineage, training."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from core.models.card import TrainingSummary
from core.models.store import StoredModel
from core.objects.report import separation_scores_sentences, separation_sentence
from core.objects.separation import SeparationWay
from core.training.verdict import training_words
from ui.errors import plain
from ui.pages import MODELS_PAGE
from ui.parts.units import bytes_text, duration_text, waiting_text


def facts(model: StoredModel) -> list[str]:
    """Preset, pixel size, size on disk, date."""
    card = model.card
    size = "pixel size unknown" if model.pixel_size_nm is None else f"{model.pixel_size_nm:g} nm per pixel"
    folds = f"{len(model.folds)} folds" if len(model.folds) > 1 else ""
    made = f"made {_day(card.created)}" if card.created else ""
    licence = f"data under {card.training.licence}" if card.training.licence else ""
    found = [
        card.preset or "unknown preset",
        size,
        folds,
        bytes_text(model.size_bytes),
        made,
        licence,
        f"id {model.id}",
    ]
    return [fact for fact in found if fact]


def _day(created: str) -> str:
    try:
        return f"{datetime.fromisoformat(created):%Y-%m-%d}"
    except ValueError:
        return created


def classes_figure(model: StoredModel) -> None:
    """The classes in their colours, each with its Dice as a bar where one was measured."""
    dice = _dice(model)
    rows = []
    for item in model.scheme.classes:
        value = dice.get(item.name)
        bar = '<span style="flex:1"></span>'
        if value is not None:
            width = max(0.0, min(1.0, value)) * 100
            bar = (
                '<span style="flex:1;background:color-mix(in srgb,currentColor 12%,transparent);border-radius:3px;'
                f'height:0.7rem"><span style="display:block;width:{width:.1f}%;height:100%;border-radius:3px;'
                f"background:{html.escape(item.color, quote=True)};box-shadow:inset 0 0 0 1px "
                'color-mix(in srgb,currentColor 25%,transparent)"></span></span>'
                f'<span style="width:2.6rem;text-align:right;font-variant-numeric:tabular-nums">{value:.3f}</span>'
            )
        rows.append(
            '<div style="display:flex;align-items:center;gap:0.6rem;line-height:1.5;font-size:0.875rem">'
            f'<span style="width:0.8rem;height:0.8rem;border-radius:3px;flex:none;'
            f"background:{html.escape(item.color, quote=True)};box-shadow:inset 0 0 0 1px "
            f'color-mix(in srgb,currentColor 35%,transparent)"></span>'
            f'<span style="width:9rem;flex:none;overflow:hidden;text-overflow:ellipsis;white-space:nowrap">'
            f"{html.escape(item.name)}</span>{bar}</div>"
        )
    st.html("".join(rows))
    st.caption(plain(_where_from(model)))


def separation_facts(model: StoredModel) -> None:
    """How the model tells touching objects apart, and what that did to images that its training held out."""
    separation, scheme = model.card.separation, model.scheme
    st.markdown(f":material/join_inner: {plain(separation_sentence(separation, scheme))}")
    way = {SeparationWay.SEAMS: "where objects meet", SeparationWay.RIMS: "outlines"}.get(separation.way)
    learned = "" if way is None else f"Learned from {way} in labels with object ids. "
    scores = " ".join(separation_scores_sentences(separation, scheme))
    if learned or scores:
        st.caption(plain(learned + (f"On held-out data: {scores}" if scores else "Not measured on held-out data.")))


def _dice(model: StoredModel) -> dict[str, float]:
    """Class name to Dice on validation images; cards from elsewhere may hold anything."""
    found = model.card.metrics.get("dice")
    if not isinstance(found, dict):
        return {}
    return {str(name): float(value) for name, value in found.items() if isinstance(value, int | float)}


def _where_from(model: StoredModel) -> str:
    """One line on where the Dice values come from, or that there are none."""
    metrics, training = model.card.metrics, model.card.training
    if not _dice(model):
        text = str(metrics.get("validation") or "no scores recorded").removeprefix("none: ").rstrip(".")
        return f"No validation: {text}."
    mean = metrics.get("mean_dice")
    held_out = len(set(training.validation_images) - set(training.training_images))
    if held_out:
        source = f"{held_out} held-out image" + ("s" if held_out > 1 else "") + " of the same data"
    elif training.validation_images:
        source = "held-out regions of its training images"
    else:
        source = "held-out data"
    shown_mean = f", mean {mean:.3f}" if isinstance(mean, int | float) else ""
    return f"Dice on {source}{shown_mean}. These are not test scores; compare models on the same test images."


def lineage(model: StoredModel, models: Sequence[StoredModel], *, hidden: frozenset[str] = frozenset()) -> None:
    """Ancestors, this one, and what was trained from it; each a link. Of those that are hidden not even the id."""
    by_id = {item.id: item for item in models}
    chain: list[StoredModel | str] = []
    seen, parent = {model.id}, model.card.parent
    while parent and parent not in seen:
        seen.add(parent)
        known = by_id.get(parent)
        chain.insert(0, known or ("" if parent in hidden else parent))
        parent = known.card.parent if known else None
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        for ancestor in chain:
            _link(ancestor)
            st.markdown("→", width="content")
        alone = "Imported" if model.card.preset == "imported" else "Trained from scratch"
        text = f"**{plain(model.card.name)}**" if chain else alone
        st.markdown(f":material/account_tree: {text}" if not chain else text, width="content")
    children = [item for item in models if item.card.parent == model.id]
    if children:
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.caption("Fine-tuned into", width="content")
            for child in children:
                _link(child)


def _link(model: StoredModel | str) -> None:
    """To a model's card; a model that is not here is only named."""
    if isinstance(model, str):
        text = f"{plain(model)} (not in this store)" if model else "a model of a project that you cannot access"
        st.caption(text, width="content")
    else:
        st.page_link(
            MODELS_PAGE, label=plain(model.card.name), icon=":material/inventory_2:", query_params={"model": model.id}
        )


def _time(training: TrainingSummary) -> str:
    """By the clock, and what of it was lost to other programs."""
    if not training.minutes:
        return ""
    return duration_text(training.minutes * 60) + waiting_text(training.waiting_s, training.minutes * 60)


def training_table(model: StoredModel) -> None:
    """How the weights came about, as far as the card says."""
    training = model.card.training
    rows: dict[str, Any] = {
        "Images": f"{len(training.training_images)} for training, {len(training.validation_images)} for validation"
        if training.training_images
        else (str(training.images) if training.images else ""),
        "Time": _time(training),
        "End of training": training_words(model.card),
        "Epochs": f"{training.epochs:,} ({training.iterations:,} iterations)" if training.epochs else "",
        "Patch": "{} × {} px".format(*reversed(model.patch_size_px)),
        "Normalisation": model.normalization,
        "Seed": "" if training.seed is None else str(training.seed),
        "Dataset": training.dataset,
        "Hardware": training.hardware,
        "Versions": ", ".join(f"{name} {version}" for name, version in training.versions.items()),
        "Licence of the data": training.licence,
    } | _source_rows(model)
    lines = [f"| {name} | {plain(str(value)).replace('|', ' ')} |" for name, value in rows.items() if value]
    st.markdown("\n".join(["| | |", "|---|---|", *lines]))


def _source_rows(model: StoredModel) -> dict[str, str]:
    """Where a fetched model is from, and who accepted which licence."""
    source = model.card.source
    if source is None:
        return {}
    by = f" by {source.accepted_by}" if source.accepted_by else ""
    return {
        "Licence": f"{source.licence} {source.licence_url}".strip(),
        "Licence accepted": f"{_day(source.accepted_at)}{by}" if source.accepted_at else "",
        "Please cite": f"{source.citation} {source.citation_url}".strip(),
        "Fetched from": ", ".join(source.urls) or "files in a folder",
        "Source": source.source_url,
    }
