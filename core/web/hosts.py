"""Which names the server answers to: any web site may point its own name at this machine (DNS rebinding)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit


def is_known(host: str, allowed: Sequence[str]) -> bool:
    """Whether a ``Host`` header names one of the allowed hosts, whatever the port.

    Parameters
    ----------
    host
        As the client sent it, for example "localhost:8501".
    allowed
        Names; ``*.example.com`` stands for all below it, ``*`` for all. An empty list allows every host, as
        Streamlit's option of the same name does.

    Examples
    --------
    >>> [is_known(host, ["localhost", "::1"]) for host in ("localhost:8501", "[::1]:8501", "evil.example")]
    [True, True, False]
    """
    if not allowed:
        return True
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    patterns = [pattern.strip().casefold().rstrip(".") for pattern in allowed]
    return any(
        pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:])) for pattern in patterns
    )
