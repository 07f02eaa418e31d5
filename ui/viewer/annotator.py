"""`annotator`: the Python face of the paint tools. Pixels never pass through here, only ids and choices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import streamlit as st

from core.label_scheme import LabelClass, LabelScheme
from ui.viewer.assets import BUNDLES, app_root, module_shim
from ui.viewer.component import LabelLayer, ScaleBarTyped, pixel_size_key
from ui.viewer.place import Place


@dataclass(frozen=True, slots=True)
class AnnotatorState:
    """What happened in the annotator since the last run.

    Parameters
    ----------
    submitted_revision_id
        The draft was submitted and is this revision now; None when this run has another cause.
    changes
        What the server told of the submission, for example pixels changed per class.
    scale_line
        What somebody drew over a scale bar and typed for it.
    """

    submitted_revision_id: str | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    scale_line: ScaleBarTyped | None = None


def annotator(
    draft_id: str,
    image_id: str,
    *,
    classes: Sequence[LabelClass],
    key: str,
    author: str = "",
    focus: Place | None = None,
    layers: Sequence[LabelLayer] = (),
    url_view: bool = True,
    scale_tool: bool = False,
    on_submit: Callable[[], None] | None = None,
) -> AnnotatorState:
    """Show an image with a draft to paint on.

    It ends with the window, from wherever it stands on the page. Painting, undo, saving and submitting live in the
    browser and on the routes of `core.web.drafts`; only a submission causes a rerun.

    Parameters
    ----------
    draft_id
        The draft, open, of this image.
    image_id
        Of the store.
    classes
        To paint with: names, colours and keys. Background is added.
    key
        Names the annotator on its page.
    author
        Who paints, shown to others who open the same draft.
    focus
        Where to look, for example the next suggestion.
    layers
        Other label maps to compare with, under the draft.
    url_view
        Keep row, column and zoom in the address. At most one viewer of a page.
    scale_tool
        Offer to measure the pixel size on a scale bar in the image.
    on_submit
        Called before the rerun that a submission causes.

    Returns
    -------
    AnnotatorState
        What the user did since the last run.
    """
    result = _component()(
        key=key,
        data={
            "draft_id": draft_id,
            "image_id": image_id,
            "pixel_size": pixel_size_key(image_id),
            "author": author,
            "layers": [
                {"revision_id": item.revision_id, "name": item.name, "visible": item.visible, "style": item.style}
                for item in layers
            ],
            "classes": LabelScheme(tuple(classes)).to_json() if classes else [],
            "isolated": None,
            "focus": focus.to_json() if focus else None,
            "key": key,
            "remember_as": "annotator",
            "url_view": url_view,
            "scale_tool": scale_tool,
            "root": app_root(),
        },
        on_submitted_change=on_submit or _nothing,
        on_class_clicked_change=_nothing,
        on_completed_change=_nothing,
        on_scale_measured_change=_nothing,
    )
    line = ScaleBarTyped.from_json(result.get("scale_measured"))
    submitted: dict[str, Any] | None = result.get("submitted")
    if submitted is None:
        return AnnotatorState(scale_line=line)
    return AnnotatorState(submitted["revision_id"], dict(submitted.get("changes") or {}), line)


def annotator_ahead(*, key: str) -> None:
    """Nothing to see: the browser fetches the annotator's modules, so that it opens at once when it is wanted.

    Parameters
    ----------
    key
        Names it on its page.
    """
    _ahead()(key=key)


@lru_cache(maxsize=1)
def _ahead() -> Callable[..., Any]:
    """The component that only loads, registered once per process."""
    return st.components.v2.component("cristae_annotator_ahead", js=module_shim("viewer", "paint/ahead.js"))


@lru_cache(maxsize=1)
def _component() -> Callable[..., Any]:
    """The component, registered once per process."""
    styles = [BUNDLES["viewer"] / "viewer.css", BUNDLES["viewer"] / "paint" / "paint.css"]
    return st.components.v2.component(
        "cristae_annotator",
        html='<div class="viewer-host"></div>',
        css="\n".join(path.read_text(encoding="utf-8") for path in styles),
        js=module_shim("viewer", "paint/entry.js"),
    )


def _nothing() -> None:
    """Declare a trigger that nobody listens to before the rerun."""
