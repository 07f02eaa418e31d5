"""On a test image: why it does not train, and the way to like places in images that do."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.annotation.like_places import LikePlace, like_places
from core.annotation.progress import ImageProgress
from core.label_scheme import LabelScheme
from core.store.records import ImageRecord, ProjectRecord, Split
from ui import context
from ui.errors import plain
from ui.pages import SEGMENT_PAGE
from ui.state import Query, query, set_query


def test_image_panel(image: ImageRecord) -> DeltaGenerator | None:
    """Said before anybody begins: corrections of test images never train.

    Parameters
    ----------
    image
        That is open.

    Returns
    -------
    DeltaGenerator or None
        Where `like_places_panel` says where corrections do train; None where the image is not in the test set.
    """
    if image.split is not Split.TEST:
        return None
    with st.container(border=True, key="correct-test-image"):
        st.markdown(
            ":material/straighten: **This image is in the test set.** Test images are never used for training, so "
            "corrections here do not improve a model. Correct similar places in images of the training set or pool."
        )
        room = st.empty()
        room.caption("Searching for similar places…")
        return room


def like_places_panel(
    room: DeltaGenerator, project: ProjectRecord, person: str, known: Mapping[str, ImageProgress]
) -> None:
    """A button for each like place. It looks through the predictions of many images: draw it after the image.

    Parameters
    ----------
    room
        Of `test_image_panel`.
    known
        How far each image of the project is.
    """
    answer, organelle = _class(Query.DOUBT), _class(Query.CLASS)
    places = like_places(context.store(), project.id, person, known, answer=answer, organelle=organelle) or like_places(
        context.store(), project.id, person, known
    )
    if not places:
        with room.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                "No image in the training set or pool has a prediction with unreviewed places yet.", width="content"
            )
            if st.button("Segment images", icon=":material/blur_on:", type="tertiary", key="like-places-segment"):
                st.switch_page(SEGMENT_PAGE, query_params={Query.PROJECT.value: project.id})
        return
    with room.container(horizontal=True):
        for number, place in enumerate(places):
            label = plain(f"{place.image.name} · {_words(place, project.scheme)}")
            st.button(label, icon=":material/my_location:", key=f"like-place-{number}", on_click=_open, args=(place,))


def _open(place: LikePlace) -> None:
    """Go there; the prediction that is unsure is what the correction begins from."""
    where = place.suggestion
    set_query(Query.IMAGE, place.image.id)
    set_query(Query.REVISION, place.revision_id)
    set_query(Query.PLACE, f"{where.row},{where.column},{where.height_px},{where.width_px}")


def _words(place: LikePlace, scheme: LabelScheme) -> str:
    """What the model is unsure about."""
    class_id, confidence = place.suggestion.class_id, place.suggestion.confidence
    name = "possibly missed?" if not class_id else scheme.name_of(class_id) if class_id in scheme.ids else "?"
    return name if confidence is None else f"{name}, confidence {confidence:.2f}"


def _class(name: Query) -> int | None:
    """A class of the address; None where it says nothing."""
    text = query(name) or ""
    return int(text) if text.isdecimal() and int(text) < 256 else None
