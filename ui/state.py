"""What a session remembers: ids and choices, never arrays. What must survive a reload is in the URL or the database."""

from __future__ import annotations

from enum import StrEnum

import streamlit as st


class Query(StrEnum):
    """Parameters in the page's address: a copied link opens the same image and model."""

    IMAGE = "image"
    MODEL = "model"
    PROJECT = "project"
    BATCH = "batch"
    JOB = "job"
    EVALUATION = "evaluation"
    SECTION = "section"
    DOC = "doc"
    METRIC = "metric"
    ERROR_CLASS = "errors"
    COMPARED = "compare"
    REVISION = "revision"
    PLACE = "place"
    SOURCE = "labels"
    CLASS = "class"
    DOUBT = "doubt"
    MEASURE = "measure"
    CONTACT = "contact"
    LEAST_UM2 = "least_um2"
    LEAST_PX = "least_px"
    WHOLE = "whole"
    COLUMNS = "columns"
    REFERENCE = "reference"
    ENTRY = "entry"
    SCALE = "scale"
    MIXED = "mixed"
    ROWS = "rows"
    CORRECTED = "corrected"


class StateKey(StrEnum):
    """Keys of the session's state."""

    PROJECT = "project_id"
    """The project that was looked at last, on whichever page."""

    DIALOG = "dialog"
    """The dialog that is open and stays so when the page is drawn anew: its name, its arguments, its page."""

    DIALOG_OPENINGS = "dialog_openings"
    """How many dialogs this tab has opened."""

    LAST_TRASHED = "last_trashed"
    """Ids of the images that this tab has deleted last, for Undo."""

    DRAWN_SIZES = "drawn_sizes"
    """Pixel sizes of the images that the page shows, as `ui.viewer.component.pixel_size_key`."""

    SEEN_IMPORTS = "seen_imports"
    """Ids of finished imports whose outcome was dismissed."""

    TRANSFERS_BEGUN = "transfers_begun"
    """Ids of the transfers that this tab has asked for; what came of them is told until it is closed."""

    IMPORTS_BEGUN = "imports_begun"
    """Imports that this tab has begun: the fields are empty again after each."""

    COLOR_CLASSES = "color_classes"
    """Classes that this tab has made of colours of a label file: project and colour to class id."""

    TABLE_VERSION = "table_version"
    """Grows when the table of images must forget what was typed, because it is saved."""

    IMAGES_SHOWN = "images_shown"
    """How many cards of one's own images this tab shows."""

    OPEN_WHEN_READ = "open_when_read"
    """Id of the batch of a file that this tab has dropped alone: it is opened once it has become an image."""

    ARRIVALS = "arrivals"
    """Imports of files that were here before, whose outcome is shown until it is closed."""

    PREDICT_NEXT = "predict_next"
    """The image that shall be segmented without being asked: its pixel size has just been entered."""

    CARRIED = "carried"
    """What goes along from page to page (`ui.carried`)."""

    ISOLATED_CLASS = "isolated_class"
    """The class that alone is drawn, or None."""

    TRIALS = "trials"
    """Jobs that try several pixel sizes, by image and model."""

    TRASHED_MODEL = "trashed_model"
    """Id and name of the model that this tab has just deleted: what the undo bar offers."""

    MODEL_UPLOAD = "model_upload"
    """Id and name of the model file that was dropped and waits for its import to be asked for."""

    RESULTS_BEGUN = "results_begun"
    """Evaluations that this tab has asked for: the form is empty again after each."""

    SUGGESTED = "suggested"
    """The suggested place that this tab looks at, as label map and place."""

    SUBMITTED = "submitted"
    """The revision that this tab has just submitted."""

    REVIEW_MARK = "review_mark"
    """The mark on the Review page that was clicked last, None once a changed region was."""

    REVIEW_TURN = "review_turn"
    """Grows when the table of changed regions must forget what was chosen in it, because a mark was clicked."""

    EXPORTS = "exports"
    """What was asked for to the export job that makes it."""

    PERSON = "person"
    """The name that was given in this tab; the cookie has it from the next page load on."""

    TRAINING_FORM = "training_form"
    """The project whose form for a training this tab shows: it stays when somebody else begins one."""

    TRAININGS_BEGUN = "trainings_begun"
    """How many trainings this tab has begun: the field of the name is empty again after each."""

    CLEAN_JOB = "clean_job"
    """The job of this tab that cleans masks by other sizes."""

    MODEL_FETCH = "model_fetch"
    """The fetch of a model that this tab has asked for."""

    MODEL_IMPORT = "model_import"
    """The import of a model that this tab waits for."""


def query(name: Query) -> str | None:
    """A parameter of the address, None where absent or empty."""
    return st.query_params.get(name.value) or None


def set_query(name: Query, value: str | None) -> None:
    """Put a parameter into the address, or take it out."""
    if value:
        st.query_params[name.value] = value
    else:
        st.query_params.pop(name.value, None)
