"""`linked_panes`: the Python face of the panes that compare label maps of one image and move together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import streamlit as st

from core.label_scheme import LabelClass, LabelScheme
from ui.viewer.assets import BUNDLES, app_root, module_shim
from ui.viewer.component import LabelLayer, pixel_size_key
from ui.viewer.place import Place

DEFAULT_HEIGHT_PX: Final = 640


class PaneKind(StrEnum):
    """What a pane shows over the image."""

    IMAGE = "image"
    REFERENCE = "reference"
    PREDICTION = "prediction"
    ERRORS = "errors"


class PaneMode(StrEnum):
    """How reference and prediction are compared."""

    PANES = "panes"
    SWIPE = "swipe"
    FLICKER = "flicker"


PANE_MODES: Final = {
    PaneMode.PANES: "Side by side",
    PaneMode.SWIPE: "Swipe",
    PaneMode.FLICKER: "Flicker",
}
"""The modes as people choose them."""


class PaneStory(StrEnum):
    """What the two label maps are to each other: how panes, legend and readout call them."""

    ERRORS = "errors"
    """A reference and a prediction; where they differ is an error."""
    CHANGES = "changes"
    """Before and after; where they differ is a change."""
    OPINIONS = "opinions"
    """Two people's; neither of them is the truth."""


_NAMES: Final = {
    PaneStory.ERRORS: ("Reference", "Prediction"),
    PaneStory.CHANGES: ("Before", "After"),
    PaneStory.OPINIONS: ("First", "Second"),
}


def linked_panes(
    image_id: str,
    *,
    reference_id: str | None,
    prediction_id: str | None,
    others: Sequence[LabelLayer] = (),
    classes: Sequence[LabelClass] = (),
    mode: PaneMode = PaneMode.PANES,
    panes: Sequence[PaneKind] = tuple(PaneKind),
    error_class: int | None = None,
    focus: Place | None = None,
    key: str,
    height: int = DEFAULT_HEIGHT_PX,
    remember_as: str = "compare",
    url_view: bool = True,
    story: PaneStory = PaneStory.ERRORS,
    names: tuple[str, str] | None = None,
    confirmed: bool = False,
) -> None:
    """Show an image with its reference, a prediction and where they differ.

    All panes show the same part of the image at the same zoom. Errors are drawn in the browser from both label maps;
    pixels that the reference leaves out (*ignore*) are never errors. Nothing that is done in here causes a rerun.

    Parameters
    ----------
    image_id
        Of the store.
    reference_id, prediction_id
        Revisions of the image. Where one is None, the panes that need it say so.
    others
        Further label maps of the image, for example of another model: a pane for each, with its name.
    classes
        Their names, colours and keys.
    mode
        Panes beside each other; or one pane with a divider, or alternating between reference and prediction.
    panes
        Which panes there are, in this order, for `PaneMode.PANES`. Each kind at most once.
    error_class
        The errors pane shows true and false positives and false negatives of this class; for None what was taken
        for what.
    focus
        Where to look, for example an error of a list.
    key
        Names the panes on their page.
    height
        In CSS pixels, tools included. Where panes are stacked for want of width, they take what they need.
    remember_as
        The name under which the browser remembers opacity, palette, fill or outline, map and legend.
    url_view
        Keep row, column and zoom in the address. At most one viewer of a page.
    story
        What the two are to each other, for the words.
    names
        What the two are called, if not as the story calls them.
    confirmed
        Dim what nobody has confirmed in the prediction; it has a coverage.
    """
    first, second = names or _NAMES[story]
    maps = [
        *_layer(reference_id, first, PaneKind.REFERENCE),
        *_layer(prediction_id, second, PaneKind.PREDICTION),
    ]
    if confirmed:
        after = [label_map for label_map in maps if label_map["side"] == PaneKind.PREDICTION.value]
        maps += [{**each, "name": "Confirmed", "what": "coverage"} for each in after]
    for index, item in enumerate(others):
        maps += _layer(item.revision_id, item.name, f"other-{index}")
    _component()(
        key=key,
        data={
            "image_id": image_id,
            "pixel_size": pixel_size_key(image_id),
            "layers": maps,
            "classes": LabelScheme(tuple(classes)).to_json() if classes else [],
            "mode": mode.value,
            "story": story.value,
            "names": list(names) if names else None,
            "panes": [kind.value for kind in dict.fromkeys(panes)],
            "error_class": error_class,
            "focus": focus.to_json() if focus else None,
            "isolated": None,
            "key": key,
            "remember_as": remember_as,
            "height": height,
            "url_view": url_view,
            "root": app_root(),
        },
    )


def _layer(revision_id: str | None, name: str, side: str) -> list[dict[str, Any]]:
    """A map and the part of the panes that shows it; nothing where there is no map."""
    if not revision_id:
        return []
    return [{"revision_id": revision_id, "name": name, "side": str(side), "visible": True, "style": None}]


@lru_cache(maxsize=1)
def _component() -> Callable[..., Any]:
    """The component, registered once per process."""
    styles = [BUNDLES["viewer"] / "viewer.css", BUNDLES["viewer"] / "panes" / "panes.css"]
    return st.components.v2.component(
        "cristae_panes",
        html='<div class="viewer-host"></div>',
        css="\n".join(path.read_text(encoding="utf-8") for path in styles),
        js=module_shim("viewer", "panes/entry.js"),
    )
