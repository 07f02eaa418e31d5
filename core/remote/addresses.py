"""Which addresses may be asked: https anywhere in public, nothing inside unless the administrator has named it.

A catalogue, or a redirect of a server that it names, must not make this machine ask others that only it can reach: a
router, a database, the service of a cloud that hands out keys. So a name is looked up here, every address that it
stands for is judged, and the connection goes to one of the judged addresses and not to the name again.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit
from urllib.request import getproxies_environment, proxy_bypass

from core.errors import FetchDelayedError, FetchError

LONGEST_ADDRESS: Final = 4096
"""Characters; signed addresses of large stores have some 1,500."""

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def _looked_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as the system knows them."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be asked.

    Parameters
    ----------
    named
        Hosts, in lower case, that the administrator has named: they may be private.
    look_up
        Gives the addresses of a host and port.
    proxy
        ``http://host:port`` of the proxy that leads out of this network; "": none. It is named by whoever set the
        environment, and it looks names up itself, so only addresses that are written as numbers can be judged then.
    """

    named: frozenset[str] = frozenset()
    look_up: Callable[[str, int], Sequence[str]] = _looked_up
    proxy: str = ""


def environment_proxy() -> str:
    """The proxy for https that the environment names; "" for none."""
    return getproxies_environment().get("https", "")


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be asked.

    Parameters
    ----------
    url
        Without fragment.
    secure
        Whether it is https.
    host, port
        Of the server.
    path
        With the query.
    numbers
        The judged addresses to connect to; empty where a proxy looks the name up.
    inside
        Whether it lies within this machine or its network.
    """

    url: str
    secure: bool
    host: str
    port: int
    path: str
    numbers: tuple[str, ...]
    inside: bool


def judged(url: str, reach: Reach, *, came_from: Target | None = None) -> Target:
    """An address, if it may be asked.

    Parameters
    ----------
    url
        Absolute.
    reach
        What may be asked.
    came_from
        The address that has redirected to this one.

    Raises
    ------
    FetchError
        It is no https address, contains a password, or leads into this machine or its network without being named.
    FetchDelayedError
        Its name cannot be looked up now.
    """
    parts = _parts(url)
    host = (parts.hostname or "").rstrip(".").lower()
    secure = parts.scheme == "https"
    port = _port(parts, url) or (443 if secure else 80)
    numbers = _numbers(host, port, reach)
    inside = any(not _is_public(number) for number in numbers) or _is_local_name(host)
    loopback = bool(numbers) and all(number.is_loopback for number in numbers)
    if inside and host not in reach.named:
        raise FetchError(
            f"{host} is an address inside this machine or its network, and the administrator has not named it.",
            "Fetch from a public address, or add the host to CRISTAE_FETCH_HOSTS.",
        )
    if inside and came_from is not None and not came_from.inside:
        raise FetchError(
            f"{came_from.host} redirects to {host}, an address inside this machine or its network.",
            "Do not fetch from there. If the file was moved on purpose, correct its address in the catalogue.",
        )
    if not secure and not loopback:
        raise FetchError(f"{shown(url)} is not encrypted (http).", "Use an https address.")
    path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    clean = urlunsplit((parts.scheme, parts.netloc, parts.path or "/", parts.query, ""))
    return Target(clean, secure, host, port, path, tuple(map(str, numbers)), inside)


def shown(url: str) -> str:
    """An address for people: without the query, which may hold a signature, and not too long."""
    return url.partition("?")[0].partition("#")[0][:200]


def _parts(url: str) -> SplitResult:
    """The address in its parts."""
    odd = len(url) > LONGEST_ADDRESS or not url.isascii() or any(ord(sign) <= 32 or ord(sign) == 127 for sign in url)
    try:
        parts = urlsplit(url)
    except ValueError:
        odd = True
    if odd or parts.scheme not in ("http", "https") or not parts.hostname:
        raise FetchError(
            f"{shown(ascii(url)[1:-1])} is not a web address.", "Use an address like https://host/file.zip."
        )
    if parts.username is not None or parts.password is not None:
        raise FetchError(f"The address at {parts.hostname} contains a user name or password.", "Use one without.")
    return parts


def _port(parts: SplitResult, url: str) -> int | None:
    try:
        return parts.port
    except ValueError as error:
        raise FetchError(f"{shown(url)} has an invalid port.", "Correct the address.") from error


def _numbers(host: str, port: int, reach: Reach) -> tuple[IPAddress, ...]:
    """The addresses that a host stands for; none where a proxy looks it up."""
    literal = _number(host)
    if literal is not None:
        return (literal,)
    if reach.proxy and not goes_direct(host, port):
        return ()
    try:
        found = dict.fromkeys(reach.look_up(host, port))
    except (OSError, UnicodeError) as error:
        raise FetchDelayedError(
            f"The server {host} cannot be found ({getattr(error, 'strerror', None) or error}).",
            "Check that this machine has a network connection, and try again.",
        ) from error
    numbers = tuple(number for text in found if (number := _number(text)) is not None)
    if not numbers:
        raise FetchDelayedError(f"The server {host} has no network address.", "Check the address, and try again.")
    return numbers


def goes_direct(host: str, port: int) -> bool:
    """Whether the environment keeps a host from the proxy (``no_proxy``), or it is this machine."""
    return _is_local_name(host) or bool(proxy_bypass(f"{host}:{port}"))


def _number(text: str) -> IPAddress | None:
    """An address that is written as a number; IPv4 in IPv6 counts as the IPv4 that it means."""
    try:
        number = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = number.ipv4_mapped if isinstance(number, ipaddress.IPv6Address) else None
    return mapped or number


def _is_public(number: IPAddress) -> bool:
    """Whether an address is one of the public network, also behind the prefixes that stand for IPv4 within IPv6."""
    if isinstance(number, ipaddress.IPv6Address):
        within = number.sixtofour or (number.teredo[1] if number.teredo else None) or _translated(number)
        if within is not None and not within.is_global:
            return False
    return number.is_global and not number.is_multicast


def _translated(number: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a translating router makes of ``64:ff9b::/96``."""
    if number in ipaddress.ip_network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
    return None


def _is_local_name(host: str) -> bool:
    """Names that mean this machine or its network, whoever looks them up."""
    return host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".home.arpa"))
