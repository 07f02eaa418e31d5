"""`viewer`: the Python face of the image viewer. Pixels never pass through here, only ids and choices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import streamlit as st

from core.errors import NotFoundError
from core.label_scheme import LabelClass, LabelScheme
from core.store.store import current_store
from ui.state import StateKey
from ui.viewer.assets import BUNDLES, app_root, module_shim

DEFAULT_HEIGHT_PX: Final = 640


@dataclass(frozen=True, slots=True)
class LabelLayer:
    """A label map over the image.

    Parameters
    ----------
    revision_id
        Of the label map; one that is still being written fills in as its blocks arrive.
    name
        Shown where there is more than one, for example "reference".
    visible
        Whether it is shown at first.
    style
        "fill", "outline", or None for what the user has chosen.
    """

    revision_id: str
    name: str = "masks"
    visible: bool = True
    style: Literal["fill", "outline"] | None = None


@dataclass(frozen=True, slots=True)
class ScaleBarTyped:
    """A line over a scale bar.

    Parameters
    ----------
    length_px
        In pixels of the image.
    typed
        The length that the bar stands for, as typed: not checked yet.
    """

    length_px: float
    typed: str

    @classmethod
    def from_json(cls, value: dict[str, Any] | None) -> ScaleBarTyped | None:
        """What the browser sent; None where it sent nothing."""
        return cls(float(value["length_px"]), str(value["typed"])) if value else None


@dataclass(frozen=True, slots=True)
class ViewerState:
    """What happened in the viewer since the last run; everything None when this run has another cause.

    Parameters
    ----------
    isolation_changed
        The user has isolated a class in the viewer's legend, or ended that.
    isolated
        The class that stands alone now, None for all; only meaningful with ``isolation_changed``.
    completed_revision_id
        A label map that was being written when the viewer opened it and is complete now.
    scale_line
        What somebody drew over a scale bar and typed for it.
    """

    isolation_changed: bool = False
    isolated: int | None = None
    completed_revision_id: str | None = None
    scale_line: ScaleBarTyped | None = None


def viewer(
    image_id: str,
    *,
    layers: Sequence[LabelLayer] = (),
    classes: Sequence[LabelClass] = (),
    isolated_class: int | None = None,
    key: str,
    height: int = DEFAULT_HEIGHT_PX,
    remember_as: str = "viewer",
    url_view: bool = True,
    scale_tool: bool = False,
    scale_open: bool = False,
    on_class_click: Callable[[], None] | None = None,
    on_complete: Callable[[], None] | None = None,
) -> ViewerState:
    """Show an image with label maps over it.

    Zoom, class switches, opacity, palette and the like live in the browser and cause no rerun. The view survives
    reruns and, with ``url_view``, stands in the page's address.

    Parameters
    ----------
    image_id
        Of the store.
    layers
        Label maps, the topmost last.
    classes
        Their names, colours and keys.
    isolated_class
        Show only this class, for example the one selected in a table. Following a change of this value, the
        viewer does as it says; in between, the user may isolate others.
    key
        Names the viewer on its page.
    height
        In CSS pixels.
    remember_as
        The name under which the browser remembers opacity, palette, fill or outline, map and legend. Viewers of the
        same name share them.
    url_view
        Keep row, column and zoom in the address. At most one viewer of a page.
    scale_tool
        Offer to measure the pixel size on a scale bar in the image.
    scale_open
        Begin with that tool.
    on_class_click, on_complete
        Called before the rerun that a click on a class, or the completion of a label map, causes.

    Returns
    -------
    ViewerState
        What the user or the server did since the last run.
    """
    result = _component()(
        key=key,
        data={
            "image_id": image_id,
            "pixel_size": pixel_size_key(image_id),
            "layers": [
                {"revision_id": item.revision_id, "name": item.name, "visible": item.visible, "style": item.style}
                for item in layers
            ],
            "classes": LabelScheme(tuple(classes)).to_json() if classes else [],
            "isolated": isolated_class,
            "key": key,
            "remember_as": remember_as,
            "height": height,
            "url_view": url_view,
            "scale_tool": scale_tool,
            "scale_open": scale_open,
            "root": app_root(),
        },
        on_class_clicked_change=on_class_click or _nothing,
        on_completed_change=on_complete or _nothing,
        on_scale_measured_change=_nothing,
    )
    clicked: dict[str, Any] | None = result.get("class_clicked")
    completed: dict[str, Any] | None = result.get("completed")
    return ViewerState(
        isolation_changed=clicked is not None,
        isolated=clicked["class_id"] if clicked else None,
        completed_revision_id=completed["revision_id"] if completed else None,
        scale_line=ScaleBarTyped.from_json(result.get("scale_measured")),
    )


@lru_cache(maxsize=1)
def _component() -> Callable[..., Any]:
    """The component, registered once per process."""
    return st.components.v2.component(
        "cristae_viewer",
        html='<div class="viewer-host"></div>',
        css=(BUNDLES["viewer"] / "viewer.css").read_text(encoding="utf-8"),
        js=module_shim("viewer", "viewer.js"),
    )


def pixel_size_key(image_id: str) -> str:
    """Changes with an image's pixel size, so that a viewer that is open asks for it again; the page remembers it."""
    key = _size_now(image_id)
    st.session_state.setdefault(StateKey.DRAWN_SIZES, {})[image_id] = key
    return key


def forget_drawn_sizes() -> None:
    """Before a page is drawn: it will show other images, or other sizes."""
    st.session_state[StateKey.DRAWN_SIZES] = {}


def sizes_have_changed() -> bool:
    """Whether another tab or person has changed the pixel size of an image since the page was drawn."""
    drawn: dict[str, str] = st.session_state.get(StateKey.DRAWN_SIZES, {})
    return any(_size_now(image_id) != key for image_id, key in drawn.items())


def _size_now(image_id: str) -> str:
    try:
        return str(current_store().images.get(image_id).pixel_size)
    except NotFoundError:
        return ""


def _nothing() -> None:
    """Declare a trigger that nobody listens to before the rerun."""
