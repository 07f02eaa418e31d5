"""Three pages: a viewer beside widgets that cause reruns, linked panes, and a drop zone."""

from __future__ import annotations

import streamlit as st

from core.label_scheme import DEFAULT_SCHEME
from core.store.label_maps import label_classes
from core.store.store import current_store
from ui.uploader import uploader
from ui.viewer import LabelLayer, viewer
from ui.viewer.compare import PaneKind, PaneMode, linked_panes
from ui.viewer.place import Place


def viewing() -> None:
    store = current_store()
    image = store.images.get(st.query_params["image"])
    revisions = store.revisions.of_image(image.id, state=None)
    left, right = st.columns([3, 1])
    with left:
        state = viewer(
            image.id,
            layers=[LabelLayer(r.id, r.kind.value) for r in revisions],
            classes=label_classes(store, revisions[0]).classes if revisions else (),
            isolated_class=st.session_state.get("only"),
            key="viewer",
            height=520,
            scale_tool=True,
        )
    with right:
        st.session_state["runs"] = st.session_state.get("runs", 0) + 1
        st.text(f"runs: {st.session_state['runs']}")
        if state.isolation_changed:
            st.session_state["clicked"] = state.isolated
        if state.scale_line:
            st.session_state["scale"] = f"{state.scale_line.typed} over {state.scale_line.length_px:.1f} px"
        st.text(f"scale: {st.session_state.get('scale', '-')}")
        if state.completed_revision_id:
            st.session_state["completed"] = state.completed_revision_id
        st.text(f"clicked: {st.session_state.get('clicked', '-')}")
        st.text(f"completed: {st.session_state.get('completed', '-')}")
        st.button("rerun")
        if st.button("query"):
            st.query_params["more"] = str(st.session_state["runs"])
        if st.button("only nucleus"):
            st.session_state["only"] = 2
            st.rerun()
        st.text_input("words")


def comparing() -> None:
    asked = st.query_params
    image = current_store().images.get(asked["image"])
    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    with st.container(horizontal=True):
        st.text(f"runs: {st.session_state['runs']}")
        mode = st.segmented_control("mode", list(PaneMode), default=asked.get("mode", PaneMode.PANES))
        error_class = st.selectbox("errors of", [None, 1, 2], index=int(asked.get("class", 0)))
        place = st.segmented_control("place", ["a", "b"])
    places = {"a": Place(700, 300, 100, 60, "a"), "b": Place(1500, 1900, 20, 40, "b")}
    linked_panes(
        image.id,
        reference_id=asked.get("reference"),
        prediction_id=asked.get("prediction"),
        others=[LabelLayer(asked["other"], "before: round 1")] if "other" in asked else [],
        classes=DEFAULT_SCHEME.classes,
        mode=PaneMode(mode or PaneMode.PANES),
        panes=[PaneKind(name) for name in asked.get("panes", "image,reference,prediction,errors").split(",")],
        error_class=error_class,
        focus=places[place] if place else None,
        key="panes",
        height=600,
    )


def uploading() -> None:
    arrived = st.session_state.setdefault("arrived", [])
    arrived.extend(f"{item.name} {item.size_bytes}" for item in uploader(key="drop"))
    st.text("arrived: " + "; ".join(arrived))


st.set_page_config(layout="wide")
st.navigation(
    [
        st.Page(viewing, title="View", default=True),
        st.Page(comparing, title="Compare", url_path="compare"),
        st.Page(uploading, title="Upload", url_path="upload"),
    ],
    position="top",
).run()
