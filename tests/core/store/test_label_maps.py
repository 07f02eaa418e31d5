"""Label maps are opened in one place, which reads them in their project's classes."""

from __future__ import annotations

import re

from core.settings import ROOT

KNOWN = {
    "core/store/label_maps.py": 1,
    "core/annotation/submission.py": 1,  # what it has just written
    "core/annotation/suggestions.py": 1,  # only whether there is a confidence map
    "core/predictions/cleaning.py": 2,  # undoes what was changed in the files, then translates
    "core/evaluations/checks.py": 1,  # only its size
}
"""Files that open the pyramid of a label map by its path, and how often."""


def test_nobody_else_opens_the_files_of_a_label_map() -> None:
    """Every reader did, and each took the numbers for those of another scheme."""
    found = {}
    for folder in ("core", "ui", "pages"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            count = len(re.findall(r"open_pyramid\(\s*[\w.()]*revisions\.pyramid_path", text))
            if count:
                found[path.relative_to(ROOT).as_posix()] = count
    assert found == KNOWN
