"""Where this program lies, what its command is called, and where its data goes when nobody says.

There are two ways to have it:

- **A checkout** (also ``pip install -e .`` and the container): `ROOT` is the folder of app.py, and data, models and
  cristae.toml lie in it.
- **An installed wheel**: `ROOT` is ``site-packages/cristae/_program``, with the same files in the same folders. Nothing
  is written there. Data and models go to the user's folder for data, cristae.toml to the one for configuration.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import platformdirs

ROOT: Final = Path(__file__).resolve().parent.parent
"""The folder that holds app.py."""

PROGRAM_FOLDER: Final = "_program"
"""What a wheel calls it (hatch_build.py)."""

INSTALLED: Final = ROOT.name == PROGRAM_FOLDER and ROOT.parent.name == "cristae"
"""Whether this is an installed wheel."""

COMMAND: Final = "cristae" if INSTALLED else "python -m core"
"""What a person types to run a command, for messages."""

INSTALL_ADVICE: Final = (
    "Install Cristae's wheel again: `pip install --force-reinstall FILE.whl`."
    if INSTALLED
    else "Run `pip install -r requirements.txt`."
)
"""How broken or missing packages come back, for messages."""


_TALKATIVE: Final = ("tifffile",)
"""Libraries that log what is odd about a file; our errors and notices say it in words."""


def quiet_libraries() -> None:
    """Keep what libraries log about files off the terminal.

    Called where a program of ours starts. The package ``cristae`` leaves logging to whoever imports it.
    """
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False


def default_data_dir(*, installed: bool = INSTALLED) -> Path:
    """Where images, label maps and the database go if no setting says so."""
    return _user_dir() / "data" if installed else ROOT / "data"


def default_models_dir(*, installed: bool = INSTALLED) -> Path:
    """Where the model store is if no setting says so."""
    return _user_dir() / "models" if installed else ROOT / "models"


def default_config_file(*, installed: bool = INSTALLED) -> Path:
    """Where the settings file is looked for if ``CRISTAE_CONFIG`` is not set."""
    folder = platformdirs.user_config_path("cristae", appauthor=False) if installed else ROOT
    return folder / "cristae.toml"


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The same environment, with this program first among what Python finds.

    A child then imports the same ``core`` as its parent wherever it starts and whatever else is called so: an installed
    program is not on Python's path by itself.
    """
    others = [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry and entry != str(ROOT)]
    return {**environment, "PYTHONPATH": os.pathsep.join([str(ROOT), *others])}


def _user_dir() -> Path:
    return platformdirs.user_data_path("cristae", appauthor=False)
