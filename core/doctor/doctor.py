"""What this machine offers, and what is wrong with it: versions, devices, folders, database, models.

torch and OpenVINO are asked in a child process, so that whoever calls this need not load them.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from core import __version__
from core.errors import CristaeError, StoreError
from core.models.store import ModelStore
from core.outside.boundary import file_boundary
from core.program import COMMAND, INSTALL_ADVICE, INSTALLED, ROOT
from core.settings import Access, Settings, config_file, load_settings

_PACKAGES: Final = (
    "streamlit", "nnunetv2", "torch", "openvino", "numpy", "zarr", "ome-zarr", "tifffile", "sqlalchemy", "distributed",
)  # fmt: skip

PYTHONS: Final = ((3, 11), (3, 13))
"""The first and the last version of Python that it works with, as in pyproject.toml."""

_PROBE_TIMEOUT_S: Final = 120
"""Importing torch from a cold disk can take a minute."""

_PROBE: Final = """
import json, sys
found = {}
try:
    import torch
    found["cuda"] = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    found["mps"] = bool(torch.backends.mps.is_available())
    found["torch_threads"] = torch.get_num_threads()
except Exception as error:
    found["torch_error"] = f"{type(error).__name__}: {error}"
try:
    sys.modules["openvino_telemetry"] = None
    import openvino
    found["openvino"] = list(openvino.Core().available_devices)
except Exception as error:
    found["openvino_error"] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Parameters
    ----------
    level
        ``problem`` means that something will not work.
    what, detail
        Topic and what was found.
    remedy
        What to do; empty where nothing is needed.
    """

    level: Level
    what: str
    detail: str
    remedy: str = ""


def examine() -> tuple[Finding, ...]:
    """Look at everything. Never raises for what it finds; a settings error ends the list early."""
    findings = [_python(), *_packages()]
    try:
        settings = load_settings()
    except CristaeError as error:
        return (*findings, Finding(Level.PROBLEM, "settings", error.cause, error.remedy))
    file = config_file()
    source = f"from {file}" if file.is_file() else f"from environment and defaults; there is no {file}"
    findings += [
        Finding(Level.OK, "program", f"{ROOT} ({'installed' if INSTALLED else 'a checkout'})"),
        Finding(Level.OK, "settings", source),
    ]
    findings += [_access(settings), *_devices()]
    findings.append(_folder("data folder", settings.data_dir, settings))
    for what, check in (("database", _database), ("label maps", _label_maps), ("models", _models)):
        findings += _checked(what, check, settings)
    return tuple(findings)


def _checked(what: str, check: Callable[[Settings], list[Finding]], settings: Settings) -> list[Finding]:
    """What a check found; one that ends in an error is a finding, and the others go on."""
    try:
        with file_boundary(what, kind=StoreError):
            return check(settings)
    except CristaeError as error:
        return [Finding(Level.PROBLEM, what, error.cause, error.remedy)]


def repair() -> tuple[Finding, ...]:
    """Write label maps anew that earlier versions wrote in other classes than their project; what was done and is left.

    Raises
    ------
    StoreError
        Cristae is running: it reads the files that would be replaced.
    """
    from core.doctor.label_maps import repair_findings
    from core.engine.engine import running_engine
    from core.store.store import Store

    settings = load_settings()
    if running_engine(settings) is not None:
        raise StoreError("Cristae is running with this data folder.", "Stop it, then run this command again.")
    store = Store(settings)
    try:
        return repair_findings(store)
    finally:
        store.close()


def _python() -> Finding:
    """Version of Python and of the system."""
    detail = f"Cristae {__version__} on Python {platform.python_version()}, {platform.platform()}"
    if not PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        first, last = (".".join(map(str, version)) for version in PYTHONS)
        return Finding(Level.PROBLEM, "python", detail, f"Use Python {first} to {last}.")
    return Finding(Level.OK, "python", f"{detail}, {os.cpu_count()} cores")


def _packages() -> list[Finding]:
    """Installed versions against those that Cristae works with."""
    wanted = required_packages()
    findings = []
    for package in _PACKAGES:
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            findings.append(Finding(Level.PROBLEM, package, "not installed", INSTALL_ADVICE))
            continue
        allowed = wanted.get(package, SpecifierSet())
        if allowed.contains(version, prereleases=True):
            findings.append(Finding(Level.OK, package, version))
        else:
            detail = f"{version}, but Cristae is tested with {allowed}"
            findings.append(Finding(Level.NOTE, package, detail, INSTALL_ADVICE))
    return findings


def required_packages() -> dict[str, SpecifierSet]:
    """Versions of the packages that Cristae works with, by name.

    From the checkout's pyproject.toml, or from what the installed package says; empty where neither is there.
    """
    description = ROOT / "pyproject.toml"
    if description.is_file():
        lines = tomllib.loads(description.read_text(encoding="utf-8"))["project"]["dependencies"]
    else:
        try:
            lines = metadata.requires("cristae") or []
        except metadata.PackageNotFoundError:
            return {}
    requirements = [Requirement(line) for line in lines]
    return {
        canonicalize_name(item.name): item.specifier
        for item in requirements
        if item.marker is None or item.marker.evaluate({"extra": ""})
    }


def _access(settings: Settings) -> Finding:
    """Whether roles count, and whether the names behind them are worth anything."""
    if settings.access is Access.OPEN:
        return Finding(Level.OK, "access", "open: everyone who can reach the server is admin")
    if not settings.admins.strip(" ,"):
        return Finding(
            Level.NOTE,
            "access",
            "roles, but admins is empty",
            ("Add a person to admins who can assign the first roles."),
        )
    if not settings.person_header:
        return Finding(
            Level.NOTE, "access", "roles, with names that people choose (not verified)",
            "Set up a proxy with sign-in and person_header; see docs/settings.md.",
        )  # fmt: skip
    return Finding(Level.OK, "access", f"roles, with names from the header {settings.person_header}")


def _devices() -> list[Finding]:
    """What can run a network, asked in a child process."""
    try:
        answer = subprocess.run(
            [sys.executable, "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=_PROBE_TIMEOUT_S,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        found: dict[str, Any] = json.loads(answer.stdout.strip().splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError, OSError) as error:
        return [Finding(Level.PROBLEM, "devices", f"could not be checked: {error}", "Reinstall torch and openvino.")]
    findings = []
    if "torch_error" in found:
        findings.append(Finding(Level.PROBLEM, "torch", found["torch_error"], INSTALL_ADVICE))
    for name in found.get("cuda", []):
        findings.append(Finding(Level.OK, "GPU", name))
    if found.get("mps"):
        findings.append(Finding(Level.OK, "GPU", "Apple Metal (MPS)"))
    if not found.get("cuda") and not found.get("mps"):
        remedy = "Fine for the compact preset; use a GPU for the larger ones."
        findings.append(Finding(Level.NOTE, "GPU", "none found: training and prediction run on the CPU", remedy))
    if "openvino_error" in found:
        remedy = "Reinstall openvino; until then prediction on the CPU uses torch and is slower."
        findings.append(Finding(Level.NOTE, "OpenVINO", found["openvino_error"], remedy))
    else:
        findings.append(Finding(Level.OK, "OpenVINO", ", ".join(found["openvino"])))
    return findings


def _folder(what: str, path: Path, settings: Settings) -> Finding:
    """Can it be written, and how much room is there."""
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    if not os.access(existing, os.W_OK):
        remedy = "Make it writable for this user, or set CRISTAE_DATA_DIR to another folder."
        return Finding(Level.PROBLEM, what, f"{path} is not writable", remedy)
    free = shutil.disk_usage(existing).free
    detail = f"{path}, {free / 1024**3:.1f} GiB free"
    if free < settings.min_free_bytes:
        remedy = "Free some space, or set CRISTAE_DATA_DIR to a larger disk."
        return Finding(
            Level.PROBLEM, what, f"{detail}, less than the limit of {settings.min_free_bytes / 1024**3:.1f}", remedy
        )
    return Finding(Level.OK, what, detail)


def _database(settings: Settings) -> list[Finding]:
    """Does it open, without making one, and does it know what lies in the data folder."""
    from core.store.known_pyramids import known_pyramids, shown_url, sqlite_file

    url = settings.resolved_database_url
    try:
        file = sqlite_file(url)
        if file is not None and not file.is_file():
            return [
                Finding(Level.OK, "database", f"SQLite, created at start: {file}"),
                *_unclaimed(settings, set()),
            ]
        known = known_pyramids(url)
    except ImportError as error:
        remedy = "Install the driver that CRISTAE_DATABASE_URL names: `pip install 'psycopg[binary]'` for PostgreSQL."
        return [Finding(Level.PROBLEM, "database", str(error), remedy)]
    except StoreError as error:
        return [Finding(Level.PROBLEM, "database", error.cause, error.remedy)]
    return [Finding(Level.OK, "database", shown_url(url)), *_unclaimed(settings, known)]


def _unclaimed(settings: Settings, known: set[str]) -> list[Finding]:
    """Complete pyramids of which the database knows nothing; they are kept, and nobody sees them."""
    from core.store.base import is_whole

    folders = [path for kind in ("images", "labels") for path in (settings.data_dir / kind).glob("*")]
    unclaimed = sorted(path for path in folders if path.name not in known and is_whole(path))
    if not unclaimed:
        return []
    size = sum(file.stat().st_size for path in unclaimed for file in path.rglob("*") if file.is_file())
    images = sum(path.parent.name == "images" for path in unclaimed)
    return [
        Finding(
            Level.NOTE,
            "data folder",
            f"{images:,} images and {len(unclaimed) - images:,} label maps ({size / 1024**3:.2f} GiB) unknown to "
            f"the database; the first is {unclaimed[0].relative_to(settings.data_dir)}",
            "They were created with another database, or after the restored backup: use that database. If no data "
            "are missing, remove these folders.",
        )
    ]


def _label_maps(settings: Settings) -> list[Finding]:
    """Label maps in other classes than their project; a database of another version is left alone."""
    from core.doctor.label_maps import foreign_findings
    from core.store.database import DATABASE_FAULT, schema_is_current
    from core.store.store import Store

    try:
        if not schema_is_current(settings.resolved_database_url):
            return []
        store = Store(settings)
    except (CristaeError, DATABASE_FAULT, ImportError):  # said above
        return []
    try:
        return foreign_findings(store)
    finally:
        store.close()


def _models(settings: Settings) -> list[Finding]:
    """Usable and broken models."""
    store = ModelStore(settings.models_dir)
    models, broken = store.scan()
    findings = [
        Finding(Level.NOTE, f"model {item.id}", item.reason, "Import or train it again, or delete its folder.")
        for item in broken
    ]
    default = store.default()
    if INSTALLED and not settings.models_dir.exists():
        return [Finding(Level.OK, "models", f"the starter, copied at first use: {settings.models_dir}")]
    if default is None:
        remedy = f"Import or train one: `{COMMAND} model import --help`."
        return [*findings, Finding(Level.PROBLEM, "models", f"none in {settings.models_dir}", remedy)]
    return [*findings, Finding(Level.OK, "models", f"{len(models)} in {settings.models_dir}, default {default.id}")]
