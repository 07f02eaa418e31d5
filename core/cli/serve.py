"""``serve``: the app in a browser."""

from __future__ import annotations

import ipaddress
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import util
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from core.cli.console import UsageError, done, notice
from core.errors import SettingsError
from core.program import INSTALL_ADVICE, ROOT, child_environment
from core.settings import load_settings

_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")
"""As in .streamlit/config.toml."""


def serve(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port. Default: 8501 or the next free port."),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            help=(
                "Network address; 0.0.0.0 accepts connections from other machines. Default: 127.0.0.1 "
                "(this machine only)."
            )
        ),
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", help="Host name in the browser address, if not localhost; repeatable."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Data folder, created if missing. Default: from the settings.")
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Do not open a browser.")] = False,
) -> None:
    """Start the app, and open it in a browser. Ctrl+C stops it; running jobs continue until they are done.

    Example: `python -m core serve`

    For a lab: `python -m core serve --headless --address 0.0.0.0 --host cristae.example.org`
    """
    if util.find_spec("streamlit") is None:
        raise SettingsError("Streamlit is not installed.", INSTALL_ADVICE)
    environment = child_environment(os.environ)
    if data is not None:
        environment["CRISTAE_DATA_DIR"] = os.environ["CRISTAE_DATA_DIR"] = str(_folder(data))
    _check_place(address, port)
    settings = load_settings()
    done(f"Data: {settings.data_dir}")
    done(f"Models: {settings.models_dir}")
    names = _names(address, host or [])
    if names:
        environment["STREAMLIT_SERVER_ALLOWED_HOSTS"] = " ".join(names)
    _warn(address, names or os.environ.get("STREAMLIT_SERVER_ALLOWED_HOSTS", "").split())
    _become_server(_options(port, address, headless=headless), environment)


def _folder(data: Path) -> Path:
    """The whole path of the data folder, which a file must not have."""
    folder = data.expanduser().resolve()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--data {data} is a file.", "Choose a folder.")
    return folder


def _check_place(address: str | None, port: int | None) -> None:
    """Refuse what cannot be listened on, before anything is started."""
    shown = address or "127.0.0.1"
    try:
        found = socket.getaddrinfo(shown, port or 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"--address {shown} is not an address of this machine.",
            "Use 127.0.0.1, or 0.0.0.0 for all addresses.",
        ) from error
    family, kind, protocol, _, place = found[0]
    with socket.socket(family, kind, protocol) as trial:
        if os.name != "nt":  # on Windows it would let two servers have one port
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(place)
        except OSError as error:
            what = shown if port is None else f"Port {port} of {shown}"
            raise SettingsError(
                f"{what} cannot be used: {error.strerror}.",
                "Stop the program that uses it, or choose another --port or --address.",
            ) from error


def _names(address: str | None, hosts: Sequence[str]) -> tuple[str, ...]:
    """All names that the server answers to; none where .streamlit/config.toml and the environment are to decide."""
    own = () if address is None or _is_loopback(address) or _is_everywhere(address) else (address,)
    return tuple(dict.fromkeys((*_LOOPBACK_NAMES, *own, *hosts))) if own or hosts else ()


def _warn(address: str | None, names: Sequence[str]) -> None:
    """Say what it means to listen on more than this machine."""
    if address is None or _is_loopback(address):
        return
    notice(
        f"Everyone who can reach {address} can use Cristae, because it has no sign-in. See docs/deploy.md (in the "
        "app: Guide, For administrators) for a proxy with sign-in."
    )
    if not set(names) - set(_LOOPBACK_NAMES):
        notice("Only localhost is accepted as host name. Add the host name in the browser address with --host NAME.")


def _options(port: int | None, address: str | None, *, headless: bool) -> list[str]:
    """Streamlit's options; what is not given is left to .streamlit/config.toml and to STREAMLIT_… variables."""
    options = [] if port is None else ["--server.port", str(port)]
    options += [] if address is None else ["--server.address", address]
    return options + (["--server.headless", "true"] if headless else [])


def _is_loopback(address: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(address).is_loopback
    return address == "localhost"


def _is_everywhere(address: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(address).is_unspecified
    return False


def _become_server(options: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Replace this process, so that signals and the process id are the server's; on Windows, wait for it."""
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), *options]
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        os.execve(command[0], command, environment)  # noqa: S606 (a list of arguments, without a shell)
    with subprocess.Popen(command, env=environment) as server:
        while True:
            with suppress(KeyboardInterrupt):  # Ctrl+C reaches the server too, and ends it
                raise SystemExit(server.wait())
