"""Build the documentation as a web site: ``python tools/build_docs.py``, or ``make docs``, makes build/site/.

The pages of docs/ stay as they are for readers of the repository and of the guide inside the app. A copy goes into
build/docs/, with pages of the Python interface that are made from docstrings, and is rendered from there. A link that
leads nowhere, or a page that would load something from another server, ends the build with an error.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "build" / "docs"
SITE: Final = ROOT / "build" / "site"
BESIDE: Final = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "CODE_OF_CONDUCT.md")
"""Pages of the repository's root that pages of docs/ link to, and that link back."""

_LINK: Final = re.compile(r"(?<!!)\[([^\]]*)\]\(([^()\s]+)\)")
_MEDIA: Final = re.compile(r"(\]\(|src=\"|srcset=\")((?:\.\./)*docs/images/|docs/)")
_LOADED: Final = re.compile(
    r"<(?:script|img|source|iframe|link)\b[^>]*?\b(?:src|srcset|href)=\"?((?:https?:)?//[^\s\">]+)"
)
_NAMED_ONLY: Final = re.compile(r"<link\b[^>]*\brel=\"?(?:canonical|prev|next)")


def main() -> int:
    """Write the sources, render them, look at what came out."""
    write_sources(SOURCE)
    shutil.rmtree(SITE, ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "--config-file", "zensical.toml"]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    if status:
        return status
    loading = loaded_from_elsewhere(SITE)
    for line in loading:
        print(f"loads something from another server: {line}", file=sys.stderr)
    return 1 if loading else 0


def write_sources(folder: Path) -> None:
    """A copy of the pages, and the pages of the Python interface.

    Parameters
    ----------
    folder
        What is there is replaced.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", folder)
    for page in folder.rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        page.write_text(moved_links(text, page.relative_to(folder).as_posix()), encoding="utf-8")
    for name in BESIDE:
        text = (ROOT / name).read_text(encoding="utf-8")
        (folder / ("index.md" if name == "README.md" else name)).write_text(
            _LINK.sub(_from_root, _MEDIA.sub(lambda found: f"{found[1]}{found[2].removeprefix('docs/')}", text)),
            encoding="utf-8",
        )
    (folder / "api").mkdir()
    for name, text in api_pages().items():
        (folder / "api" / f"{name}.md").write_text(text, encoding="utf-8")


def moved_links(text: str, page: str) -> str:
    """The Markdown of a page of docs/ with its links to the repository's root led to the copies.

    Parameters
    ----------
    text
        Of the page.
    page
        Its path below docs/.

    >>> moved_links("[a](../../README.md#x), [b](../core/errors.py), [c](formats.md)", "guide/x.md")
    '[a](../index.md#x), b, [c](formats.md)'
    """

    def moved(found: re.Match[str]) -> str:
        path, _, anchor = found[2].partition("#")
        if "://" in path or not path:
            return found[0]
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(f"docs/{page}"), path))
        if inside.startswith("docs/"):
            return found[0]
        if inside not in BESIDE:
            return found[1]
        target = posixpath.relpath("index.md" if inside == "README.md" else inside, posixpath.dirname(page) or ".")
        return f"[{found[1]}]({target}{'#' if anchor else ''}{anchor})"

    return _LINK.sub(moved, text)


def _from_root(found: re.Match[str]) -> str:
    """A link of a page of the repository's root, seen from the copy beside the pages of docs/."""
    path, _, anchor = found[2].partition("#")
    if "://" in path or not path:
        return found[0]
    if path.startswith("docs/"):
        return f"[{found[1]}]({found[2].removeprefix('docs/')})"
    if path not in BESIDE:
        return found[1]
    return f"[{found[1]}]({'index.md' if path == 'README.md' else path}{'#' if anchor else ''}{anchor})"


def api_pages() -> dict[str, str]:
    """A page for the public package, and one for each package of core with all its modules, by name."""
    pages = {"cristae": "# cristae\n\n::: cristae\n    options:\n      heading_level: 2\n"}
    single = sorted(path.stem for path in (ROOT / "core").glob("*.py") if not path.stem.startswith("__"))
    pages["core"] = _page("core", [f"core.{name}" for name in single])
    for package in sorted(path.parent for path in (ROOT / "core").rglob("__init__.py")):
        name = ".".join(package.relative_to(ROOT).parts)
        modules = sorted(path.stem for path in package.glob("*.py") if path.stem not in ("__init__", "__main__"))
        if name != "core" and "alembic" not in package.parts:
            pages[name] = _page(name, [name, *(f"{name}.{module}" for module in modules)])
    index = "".join(f"- [{name}]({name}.md)\n" for name in pages)
    about = "Other programs may rely on the package `cristae`. The rest is for those who change the program.\n\n"
    return {"index": f"# Python interface\n\n{about}{index}", **pages}


def _page(title: str, modules: list[str]) -> str:
    return f"# {title}\n\n" + "\n".join(f"::: {module}\n    options:\n      heading_level: 2\n" for module in modules)


def loaded_from_elsewhere(site: Path) -> list[str]:
    """What the pages of a site would fetch from another server: page and address."""
    loading = []
    for page in sorted(site.rglob("*.html")):
        for found in _LOADED.finditer(page.read_text(encoding="utf-8")):
            if not _NAMED_ONLY.match(found[0]):
                loading.append(f"{page.relative_to(site)}: {found[1]}")
    return loading


if __name__ == "__main__":
    raise SystemExit(main())
