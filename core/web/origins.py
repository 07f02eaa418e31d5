"""Where a request comes from: the addresses that are this server's own, and those that are not.

An origin is exactly scheme, host and port. Another port of localhost is another site: whatever listens there, a
notebook or somebody else's program, must not drive this server.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from core.errors import SettingsError

_PORTS: Final = MappingProxyType({"http": 80, "https": 443})

_SCHEMES: Final = MappingProxyType({"http": "http", "ws": "http", "https": "https", "wss": "https"})
"""A WebSocket belongs to the page that opens it."""

CHECKED: Final = "cristae.origin_checked"
"""Key in the scope of a request whose origin `core.web.same_site` has checked."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One site.

    Parameters
    ----------
    scheme
        "http" or "https".
    host
        In lower case, without brackets and without a dot at its end.
    port
        1 to 65535.
    """

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if _PORTS[self.scheme] == self.port else f":{self.port}")


def origin_of(text: str) -> Origin | None:
    """The origin of an address; None where it has none ("null", another scheme).

    Raises
    ------
    ValueError
        The text is no address, for example ``http://[``.

    Examples
    --------
    >>> str(origin_of("HTTPS://EM.lab.example:443/page?image=1"))
    'https://em.lab.example'
    >>> origin_of("null") is None
    True
    """
    parts = urlsplit(text)
    if parts.scheme not in _PORTS:
        return None
    return _origin(parts.scheme, parts.netloc)


def own_origin(scope: Scope) -> Origin:
    """The origin under which a request reached this server: its scheme and its ``Host``.

    Raises
    ------
    ValueError
        There is not exactly one ``Host``, or it is none.
    """
    hosts = Headers(scope=scope).getlist("host")
    if len(hosts) != 1:
        raise ValueError(f"{len(hosts)} Host headers")
    return _origin(_SCHEMES[scope.get("scheme", "http")], hosts[0])


def parse_origins(text: str) -> tuple[Origin, ...]:
    """Origins of a setting, separated by commas.

    Raises
    ------
    SettingsError
        One of them is no address, or has more than scheme, host and port.
    """
    return tuple(_configured(part.strip()) for part in text.split(",") if part.strip())


def _configured(text: str) -> Origin:
    try:
        origin, parts = origin_of(text), urlsplit(text)
        if origin is not None and parts.path in ("", "/") and not parts.query and not parts.fragment:
            return origin
    except ValueError:
        pass
    raise SettingsError(
        f"{text[:80]!r} is not a site address.", ("Write scheme and name, for example https://cristae.example.org.")
    )


def _origin(scheme: str, authority: str) -> Origin:
    """Scheme and ``host[:port]``, checked."""
    parts = urlsplit(f"//{authority}")
    host, port = (parts.hostname or "").rstrip("."), parts.port
    strange = any(not character.isprintable() or character in " \"'<>\\^`{|};," for character in authority)
    if not host or strange or parts.username is not None or parts.path or parts.query or parts.fragment or port == 0:
        raise ValueError(f"{authority[:80]!r} is not a host name")
    return Origin(scheme, host, port or _PORTS[scheme])
