"""Draw docs/images/layers.svg, the picture of the layers, from the table in tests/test_layers.py.

``python tools/draw_layers.py``; a test compares the picture with the table.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
TABLE: Final = ROOT / "tests" / "test_layers.py"
PICTURE: Final = ROOT / "docs" / "images" / "layers.svg"

Layers = tuple[tuple[str, ...], ...]

BANDS: Final = (
    ("Foundations", "core"),
    ("Pixels, label maps, scores, figures", "core.imaging"),
    ("Networks", "core.models"),
    ("Database, roles, queue", "core.store"),
    ("What people do with what is stored", "core.review"),
    ("Processes and faces", "core.engine"),
)
"""From the bottom up: a title, and the first folder of the band."""

TOP: Final = ("Dashboard and Python package", (("ui", "cristae"), ("pages",), ("app.py",)))
"""Above core; other tests guard these."""

CELL: Final = (106, 26)
"""Width and height of a folder's box, px."""

GAP: Final = 8
TITLE_HEIGHT: Final = 24
WIDTH: Final = 9 * (CELL[0] + GAP) + 3 * GAP

STYLE: Final = """
  .ground { fill: #ffffff } .band { fill: #f1f4f7 } .box { fill: #ffffff; stroke: #8a99a8 }
  text { font: 13px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: #1c2733 }
  .title { font-weight: 600 } .name { text-anchor: middle }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #11171d } .band { fill: #1b242d } .box { fill: #26323e; stroke: #71808f } text { fill: #e6ebf0 }
  }
"""


def layers_of(table: Path = TABLE) -> Layers:
    """The table LAYERS, from the bottom up, read without running the tests' module."""
    for node in ast.parse(table.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "LAYERS":
            return ast.literal_eval(node.value)
    raise SystemExit(f"{table} has no table LAYERS.")


def bands_of(layers: Layers) -> list[tuple[str, Layers]]:
    """The layers in bands, from the top down."""
    starts = [next(i for i, layer in enumerate(layers) if first in layer) for _, first in BANDS]
    ends = [*starts[1:], len(layers)]
    bands = [(title, layers[start:end]) for (title, _), start, end in zip(BANDS, starts, ends, strict=True)]
    return [TOP, *reversed(bands)]


def drawn(layers: Layers) -> str:
    """The picture as SVG: a band per group, a column per layer, its folders above each other."""
    parts, top = [], GAP
    for title, columns in bands_of(layers):
        height = TITLE_HEIGHT + max(map(len, columns)) * (CELL[1] + GAP) + GAP
        parts.append(f'<rect class="band" x="{GAP}" y="{top}" width="{WIDTH - 2 * GAP}" height="{height}" rx="6"/>')
        parts.append(f'<text class="title" x="{2 * GAP}" y="{top + 18}">{title}</text>')
        for column, folders in enumerate(columns):
            for row, folder in enumerate(folders):
                left = 2 * GAP + column * (CELL[0] + GAP)
                upper = top + TITLE_HEIGHT + GAP // 2 + row * (CELL[1] + GAP)
                parts.append(_box(folder, left, upper))
        top += height + GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        f'role="img" aria-label="Folders by layer">\n<style>{STYLE}</style>\n'
        f'<rect class="ground" width="{WIDTH}" height="{top}"/>\n'
    )
    return head + "\n".join(parts) + "\n</svg>\n"


def _box(folder: str, left: int, upper: int) -> str:
    """A folder: its full name is in ``data-folder``, the name without "core." in the box."""
    width, height = CELL
    return (
        f'<g data-folder="{folder}"><rect class="box" x="{left}" y="{upper}" width="{width}" height="{height}" rx="4"/>'
        f'<text class="name" x="{left + width // 2}" y="{upper + 18}">{folder.removeprefix("core.")}</text></g>'
    )


if __name__ == "__main__":
    PICTURE.write_text(drawn(layers_of()), encoding="utf-8", newline="\n")
    print(f"Wrote {PICTURE.relative_to(ROOT)}.")
