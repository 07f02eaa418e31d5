"""How a wheel is laid out: the whole program below ``cristae/_program``, and beside it the package ``cristae``.

The folders keep their names and places, so that everything finds everything as in a checkout, and site-packages gets no
package called ``core``, ``ui``, ``pages`` or ``models``. `cristae/__init__.py` puts the folder on Python's path. An
editable install copies nothing: there the package ``cristae`` finds the program beside itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PROGRAM = ("app.py", ".streamlit/config.toml", "core", "docs", "models/starter", "pages", "ui")
"""Files, and folders with everything in them."""


class ProgramHook(BuildHookInterface[Any]):
    """Adds the program to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a build; ``version`` is "standard" or "editable"."""
        if version == "editable":
            return
        for name in PROGRAM:
            build_data["force_include"][str(Path(self.root, name))] = f"cristae/_program/{name}"
