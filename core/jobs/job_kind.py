"""The names of the kinds of jobs that code outside their own modules asks about."""

from __future__ import annotations

from enum import StrEnum


class JobKind(StrEnum):
    """As in the rows."""

    INGEST = "ingest"
    PREDICT = "predict"
    CLEAN = "clean"
    EVALUATE = "evaluate"
    MEASURE = "measure"
    SCALE_TRIAL = "scale_trial"
    TRAIN = "train"
    IMPORT_CASES = "import_cases"
    IMPORT_PREDICTIONS = "import_predictions"
    IMPORT_MODEL = "import_model"
    FETCH_MODEL = "fetch_model"
    LOOK_UP = "look_up"
    TIME_TRAINING = "time_training"
    EXPORT = "export"
    TRANSFER = "transfer"
    DEMO = "demo"
    DEMO_ROUNDS = "demo_rounds"
