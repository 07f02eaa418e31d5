"""What became of an attempt to use a damaged file."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from core.errors import CristaeError


class Outcome(StrEnum):
    """What became of a file."""

    READ = "read"
    REFUSED = "refused clearly"
    UNEXPECTED = "unexpected error"
    ENDLESS = "stopped: time or memory"
    CRASHED = "crashed the process"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt.

    Parameters
    ----------
    outcome
        What became of the file.
    detail
        The message, or for what was not expected the last lines of the trace.
    seconds
        How long it took.
    """

    outcome: Outcome
    detail: str = ""
    seconds: float = 0.0


def attempt(action: Callable[[], object]) -> Attempt:
    """Do it, and say what became of it. A refusal without a cause or a remedy is none."""
    start = time.perf_counter()
    try:
        action()
    except CristaeError as error:
        clear = bool(error.cause.strip() and error.remedy.strip())
        outcome = Outcome.REFUSED if clear else Outcome.UNEXPECTED
        return Attempt(outcome, str(error), time.perf_counter() - start)
    except Exception:  # what is looked for
        return Attempt(Outcome.UNEXPECTED, traceback.format_exc(limit=-6), time.perf_counter() - start)
    return Attempt(Outcome.READ, "", time.perf_counter() - start)
