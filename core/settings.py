"""Settings: environment variables ``CRISTAE_*`` over one file, ``cristae.toml``, validated once.

The file is looked for where ``CRISTAE_CONFIG`` points, else beside app.py, or in the user's folder for configuration
where Cristae is installed (`core.program`). Every field is a variable: ``data_dir`` is ``CRISTAE_DATA_DIR``.
"""

from __future__ import annotations

import os
import re
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from core.errors import SettingsError
from core.program import ROOT as ROOT
from core.program import default_config_file, default_data_dir, default_models_dir

GIB: Final = 1024**3


class BackendChoice(StrEnum):
    """Which library runs the network."""

    AUTO = "auto"
    TORCH = "torch"
    OPENVINO = "openvino"


class Precision(StrEnum):
    """How exactly the network is computed: ``exact`` is float32, ``fast`` is the quickest that this machine offers."""

    EXACT = "exact"
    FAST = "fast"


class Access(StrEnum):
    """Who may do what: with ``open`` everybody everything, with ``roles`` what their role in the project allows."""

    OPEN = "open"
    ROLES = "roles"


class Settings(BaseSettings):
    """What can be configured. See docs/settings.md for the same list in prose."""

    model_config = SettingsConfigDict(env_prefix="CRISTAE_", extra="forbid", frozen=True)

    data_dir: Path = Field(
        default_factory=default_data_dir, description="Images, label maps, the database, logs. Grows."
    )
    models_dir: Path = Field(default_factory=default_models_dir, description="The model store.")
    database_url: str = Field(
        "", description="SQLAlchemy URL. Empty: SQLite in the data folder. PostgreSQL for several machines."
    )
    max_upload_bytes: int = Field(4 * GIB, gt=0, description="Largest file that a browser may send, in bytes.")
    max_image_px: int = Field(
        2_000_000_000, gt=0, description="Largest image or label map, in pixels (40,000 x 40,000 px is 1.6e9)."
    )
    min_free_bytes: int = Field(
        GIB, ge=0, description=("Reject uploads and jobs that would leave less free disk space than this.")
    )
    export_hours: float = Field(24.0, gt=0, description="Hours for which export files are kept.")
    engine: str = Field(
        "local", description='Where jobs run: "local", or the address of a Dask scheduler (tls://host:port).'
    )
    backend: BackendChoice = Field(BackendChoice.AUTO, description="Library that runs the network.")
    precision: Precision = Field(Precision.FAST, description="exact (float32) or fast.")
    threads: int = Field(0, ge=0, description="CPU threads of a prediction or training. 0: all available threads.")
    access: Access = Field(Access.OPEN, description="open: everyone is admin. roles: permissions by project role.")
    admins: str = Field("", description="Comma-separated names of the admins of all projects.")
    person_header: str = Field(
        "", description="HTTP header with the user name from a sign-in proxy. Empty: people enter their name."
    )

    group_files: bool = Field(
        False, description="Whether the group of the server's user may read and write data files."
    )
    import_roots: str = Field(
        "",
        description="Folders of the server, separated as in PATH, that people may name in a browser. "
        "Empty: with access open all, with roles none.",
    )
    fetching: bool = Field(True, description="Whether models may be fetched from the network, each on request only.")
    catalogue: str = Field(
        "", description="A catalogue of models of your own: a file on the server, or an https address."
    )
    fetch_hosts: str = Field(
        "", description="Hosts inside your own network, separated by commas, from which models may be fetched."
    )
    public_addresses: str = Field(
        "", description="Addresses in browsers, separated by commas, where a proxy hides them from the server."
    )
    framed_by: str = Field("", description="Addresses, separated by commas, of sites that may show the app in a frame.")

    @field_validator("import_roots")
    @classmethod
    def _absolute(cls, folders: str) -> str:
        """A relative folder would depend on where the server was started."""
        for folder in filter(None, (part.strip() for part in folders.split(os.pathsep))):
            if not Path(folder).expanduser().is_absolute():
                raise ValueError(f"{folder!r} is not an absolute path")
        return folders

    @field_validator("catalogue")
    @classmethod
    def _catalogue(cls, catalogue: str) -> str:
        """A file that does not depend on where the server was started, or an address."""
        is_address = catalogue.startswith(("https://", "http://"))
        if catalogue and not is_address and ("://" in catalogue or not Path(catalogue).expanduser().is_absolute()):
            raise ValueError("neither the absolute path of a file nor an https address")
        return catalogue

    @field_validator("public_addresses", "framed_by")
    @classmethod
    def _sites(cls, addresses: str) -> str:
        """Scheme, name and port, and nothing else: `core.web.origins` compares exactly."""
        for address in filter(None, (part.strip() for part in addresses.split(","))):
            if not re.fullmatch(r"https?://(\[[0-9a-fA-F:]+\]|[^\s/?#@:\[\]]+)(:\d{1,5})?/?", address):
                raise ValueError(f"{address[:80]!r} is not a site like https://cristae.example.org")
        return addresses

    @field_validator("engine")
    @classmethod
    def _reachable(cls, engine: str) -> str:
        """Whoever reaches a scheduler without encryption can run any code on it."""
        if engine != "local" and not re.fullmatch(r"tls://[^\s/:]+:\d{1,5}|tls://\[[0-9a-fA-F:]+\]:\d{1,5}", engine):
            raise ValueError('neither "local" nor the address of an encrypted scheduler like tls://host:8786')
        return engine

    @property
    def resolved_database_url(self) -> str:
        """The database URL, with the default filled in."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'cristae.sqlite3').as_posix()}"

    @property
    def uploads_dir(self) -> Path:
        """Files from browsers, until a job has read them."""
        return self.data_dir / "uploads"

    @property
    def downloads_dir(self) -> Path:
        """Where files to be taken away are made; each is removed once it is sent."""
        return self.data_dir / "tmp"

    @property
    def resolved_threads(self) -> int:
        """CPU threads to use, at least 1."""
        return self.threads or available_threads()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())


def available_threads() -> int:
    """Cores that this process may use (not all of them in a container or a Slurm job), at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)), 1)
    return os.cpu_count() or 1


def config_file() -> Path:
    """Where the settings file is looked for."""
    named = os.environ.get("CRISTAE_CONFIG")
    return Path(named) if named is not None else default_config_file()


def load_settings(**overrides: Any) -> Settings:
    """Read and check the settings.

    Raises
    ------
    SettingsError
        An unknown name or an unusable value, named with the variable that sets it.
    """
    unknown = sorted(
        name
        for name in os.environ
        if name.startswith("CRISTAE_")
        and name.removeprefix("CRISTAE_").lower() not in {*Settings.model_fields, "config"}
    )
    if unknown:
        raise SettingsError(
            f"Unknown setting {', '.join(unknown)}.", "Check the spelling against docs/settings.md, or unset it."
        )
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "?"
        raise SettingsError(
            f"Setting {name} (CRISTAE_{name.upper()}) is invalid: {first['msg']}; it is {first.get('input')!r}.",
            f"Correct it in the environment or in {config_file()}; docs/settings.md lists what is allowed.",
        ) from error
    except ValueError as error:
        raise SettingsError(f"{config_file()} is not valid TOML: {error}.", "Correct the file.") from error
    return settings.model_copy(
        update={
            "data_dir": settings.data_dir.resolve(),
            "models_dir": settings.models_dir.resolve(),
            "database_url": _absolute_database(settings.database_url),
        }
    )


def _absolute_database(url: str) -> str:
    """The same database for processes that start elsewhere: a relative SQLite file counts from where we are now."""
    found = re.fullmatch(r"(sqlite(?:\+\w+)?):///(?!:memory:|file:)([^?]+)(\?.*)?", url)
    if found is None:
        return url
    return f"{found[1]}:///{Path(found[2]).resolve().as_posix()}{found[3] or ''}"


@lru_cache(maxsize=1)
def current_settings() -> Settings:
    """The settings of this process, read once."""
    return load_settings()


def changed_settings() -> tuple[str, ...]:
    """Names of the settings that the file, or the environment, has otherwise than this process has read them.

    Returns
    -------
    tuple of str
        Empty where nothing has changed; ``("not readable",)`` where the file cannot be used any more.
    """
    used = current_settings()
    try:
        now = load_settings()
    except SettingsError:
        return ("not readable",)
    return tuple(name for name in Settings.model_fields if getattr(now, name) != getattr(used, name))
