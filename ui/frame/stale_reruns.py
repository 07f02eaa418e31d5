"""A page that was left asks for nothing any more.

Parts of a page that draw themselves every few seconds go on asking until the browser has heard of the next page. On a
busy server that takes seconds, and Streamlit then ran the page that was left once more: a click on another page did
nothing, or the new page stayed empty.
"""

from __future__ import annotations

from functools import wraps

from streamlit.runtime.scriptrunner import RerunData
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests

_MARK = "_ignores_stale"


def is_stale(asked: RerunData, new: RerunData) -> bool:
    """Whether a part that draws itself asks for another page than the one that was asked for last.

    Parameters
    ----------
    asked
        What the page's run was last asked for.
    new
        What is asked for now.
    """
    both_known = bool(asked.page_script_hash and new.page_script_hash)
    return new.is_auto_rerun and both_known and asked.page_script_hash != new.page_script_hash


def ignore_stale_reruns() -> None:
    """From now on, in this process; doing it again changes nothing.

    Streamlit has no setting for it. Where a later version keeps its requests in another way, all is as without this.
    """
    original = ScriptRequests.request_rerun
    if hasattr(original, _MARK):
        return

    @wraps(original)
    def request_rerun(self: ScriptRequests, new_data: RerunData) -> bool:
        asked = getattr(self, "_rerun_data", None)
        if isinstance(asked, RerunData) and is_stale(asked, new_data):
            return True
        return original(self, new_data)

    setattr(request_rerun, _MARK, True)
    ScriptRequests.request_rerun = request_rerun  # type: ignore[method-assign]
