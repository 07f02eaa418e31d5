"""The engine's certificates: made anew by every engine, mode 0600, in the data folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.engine.dask_config import library
from core.files import explained_os_errors
from core.scratch import marked


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where the certificate and its key are. One pair serves scheduler, workers and clients of one engine.

    Whoever can read them can make the engine run any code: they are readable by their owner alone.
    """

    certificate: Path
    key: Path

    @classmethod
    def in_folder(cls, folder: Path) -> Credentials:
        """The pair of the engine that lives in this folder."""
        return cls(folder / "certificate.pem", folder / "key.pem")

    def security(self) -> Any:
        """A `distributed.Security` that refuses anything unencrypted or unknown."""
        certificate, key = str(self.certificate), str(self.key)
        return library().Security(
            require_encryption=True,
            tls_ca_file=certificate,
            tls_client_cert=certificate,
            tls_client_key=key,
            tls_scheduler_cert=certificate,
            tls_scheduler_key=key,
            tls_worker_cert=certificate,
            tls_worker_key=key,
        )


def make_credentials(folder: Path) -> Credentials:
    """Make a new self-signed pair, in place of an old one.

    Raises
    ------
    StorageFullError
        The folder cannot be written.
    """
    pair = Credentials.in_folder(folder)
    made = library().Security.temporary()
    write_private(pair.certificate, str(made.tls_ca_file))
    write_private(pair.key, str(made.tls_client_key))
    return pair


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{marked()}.partial")
    with explained_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
