"""The door: what a wheel holds, where an installed program looks, and that the lists of packages agree."""

from __future__ import annotations

import configparser
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import core
from core.doctor.doctor import PYTHONS
from core.program import ROOT, child_environment, default_config_file, default_data_dir, default_models_dir

PROGRAM = "cristae/_program/"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this tree, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's content, as pip would put it into site-packages."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def tracked(*folders: str) -> set[str]:
    """Files of the program in this tree, whatever they are; what Python leaves behind is none."""
    return {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def pins(name: str) -> dict[str, Version]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", line) for line in lines]
    return {canonicalize_name(match[1]): Version(match[2]) for match in found if match}


def test_a_wheel_holds_the_whole_program_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    program = {name.removeprefix(PROGRAM) for name in names if name.startswith(PROGRAM)}
    folders = tracked("core", "docs", "models/starter", "pages", "ui")
    assert program == folders | {"app.py", ".streamlit/config.toml"}
    assert {name for name in names if not name.startswith(PROGRAM)} == tracked("cristae")
    for needed in (
        "models/starter/fold_0.safetensors", "docs/guide.md", "docs/guide/segment.md", "docs/images/segment-light.jpg",
        "ui/static/app.css", "ui/viewer/static/viewer.js", "pages/segment_page.py", "core/store/alembic/env.py",
        "core/store/alembic/script.py.mako",
    ):  # fmt: skip
        assert needed in program


def test_only_one_name_goes_into_site_packages(site: Path) -> None:
    assert {path.name for path in site.iterdir() if path.suffix != ".dist-info"} == {"cristae"}


def test_the_command_is_declared_and_exists(site: Path) -> None:
    (file,) = site.glob("*.dist-info/entry_points.txt")
    declared = configparser.ConfigParser()
    declared.read_string(file.read_text(encoding="utf-8"))
    assert dict(declared["console_scripts"]) == {"cristae": "cristae.__main__:main"}
    from cristae.__main__ import main

    assert callable(main)


def test_the_version_stands_in_one_place(site: Path, project: dict[str, Any]) -> None:
    (metadata,) = site.glob("*.dist-info/METADATA")
    assert f"\nVersion: {core.__version__}\n" in metadata.read_text(encoding="utf-8")
    assert "version" not in project["project"]
    others = ("pyproject.toml", "CITATION.cff", "README.md", "Dockerfile")
    holding = [name for name in others if f"{core.__version__}" in _own_lines(name)]
    assert not holding, f"{holding} repeat the version of core/__init__.py"
    assert f"## {core.__version__} (" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def _own_lines(name: str) -> str:
    """A file without the ranges of other packages."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if not re.search(r"[<>=]=|cff-version", line))


def test_requirements_pin_what_the_project_declares(project: dict[str, Any]) -> None:
    declared = {canonicalize_name(r.name): r for r in map(Requirement, project["project"]["dependencies"])}
    pinned, constrained = pins("requirements.txt"), pins("constraints.txt")
    assert set(pinned) == set(declared)
    for name, requirement in declared.items():
        assert pinned[name] in requirement.specifier, f"{name} {pinned[name]} is outside {requirement.specifier}"
        assert constrained[name] == pinned[name]
        assert any(part.operator == ">=" for part in requirement.specifier), f"{name} has no lowest version"


def test_the_versions_of_python_agree(project: dict[str, Any]) -> None:
    (first, last), declared = PYTHONS, SpecifierSet(project["project"]["requires-python"])
    inside = [f"3.{minor}" for minor in range(8, 20) if f"3.{minor}.5" in declared]
    assert (inside[0], inside[-1]) == (f"{first[0]}.{first[1]}", f"{last[0]}.{last[1]}")
    classifiers = {line.rpartition(" ")[2] for line in project["project"]["classifiers"] if "Python :: 3." in line}
    assert classifiers == set(inside)
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert json.dumps(inside) in workflow


def test_the_tools_of_developers_are_pinned_in_both_lists() -> None:
    wanted, constrained = pins("requirements-dev.txt"), pins("constraints.txt")
    assert {name: constrained.get(name) for name in wanted} == wanted


def test_every_declared_package_has_its_reason(project: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    reasons = {canonicalize_name(word) for word in re.findall(r"[\w.-]+", text)}
    assert {canonicalize_name(Requirement(line).name) for line in project["project"]["dependencies"]} <= reasons


def run(site: Path, folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python as where the wheel is installed, in an empty folder, with a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CRISTAE_", "XDG_", "PYTHON"))}
    home = {"HOME": str(folder), "LOCALAPPDATA": str(folder), "USERPROFILE": str(folder), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False,
        env={**kept, **home, "PYTHONPATH": str(site), **environment}, stdin=subprocess.DEVNULL,
    )  # fmt: skip


FACTS = """
import json, cristae, core
from core.processes import start_child, settings_environment
from core.program import COMMAND, INSTALLED, ROOT
from core.settings import config_file, load_settings
settings = load_settings()
before = settings.models_dir.exists()
models = cristae.models()
child = start_child("core.segmentation.backends.probe", [], settings_environment(settings), settings.data_dir / "log")
print(json.dumps([
    COMMAND, INSTALLED, str(ROOT), str(settings.data_dir), str(settings.models_dir), str(config_file()), before,
    list(models), child.wait(), (settings.data_dir / "log").read_text(),
]))
"""


def test_an_installed_program_finds_its_parts_and_keeps_its_data_in_the_users_folder(
    site: Path, tmp_path: Path
) -> None:
    # PYTHONSAFEPATH takes the current folder from Python's path: a child must not need it
    answer = run(site, tmp_path, "-c", FACTS, PYTHONSAFEPATH="1")
    assert answer.returncode == 0, answer.stderr
    command, installed, root, data, models, config, before, ids, status, log = json.loads(answer.stdout)
    assert (command, installed, root) == ("cristae", True, str(site.resolve() / "cristae" / "_program"))
    for place in (data, models, config):
        assert Path(place).is_relative_to(tmp_path.resolve()), "beside the program, or in somebody else's home"
    assert len({data, models, config}) == 3
    assert (before, ids) == (False, ["starter"]), "a new installation begins with the starter"
    assert (status, "openvino" in log) == (0, True), log


COMMANDS = """
import sys
from cristae.__main__ import main
for words in (["--version"], ["segment", "image.png"], ["no-such-command"], ["segment", "--help"]):
    sys.argv = ["cristae", *words]
    try:
        main()
    except SystemExit as ended:
        print(f"exit {ended.code}")
"""


def test_the_installed_command_says_its_version_and_refuses_nonsense(site: Path, tmp_path: Path) -> None:
    answer = run(site, tmp_path, "-c", COMMANDS)
    assert answer.returncode == 0, answer.stderr
    version, usage, unknown, help_text = re.split(r"^exit ", answer.stdout, flags=re.MULTILINE)[:4]
    assert version == f"cristae {core.__version__}\n"
    assert (usage, unknown) == ("0\n", "2\n") and "--out" in answer.stderr and "no-such-command" in answer.stderr
    assert help_text.startswith("2\n") and answer.stdout.endswith("exit 0\n")
    assert "cristae segment liver.tif" in help_text and "python -m core" not in help_text


def test_in_a_checkout_data_models_and_settings_lie_beside_the_app() -> None:
    assert default_data_dir(installed=False) == ROOT / "data"
    assert default_models_dir(installed=False) == ROOT / "models"
    assert default_config_file(installed=False) == ROOT / "cristae.toml"
    places = (default_data_dir(installed=True), default_models_dir(installed=True), default_config_file(installed=True))
    assert not any(place.is_relative_to(ROOT) for place in places)


def test_a_child_finds_the_program_first_and_keeps_what_else_was_asked_for() -> None:
    others = os.pathsep.join(["/elsewhere", str(ROOT), "/more"])
    found = child_environment({"PYTHONPATH": others, "LANG": "C"})
    assert found == {"PYTHONPATH": os.pathsep.join([str(ROOT), "/elsewhere", "/more"]), "LANG": "C"}
    assert child_environment({})["PYTHONPATH"] == str(ROOT)


def test_another_package_called_core_is_refused_by_name(site: Path, tmp_path: Path) -> None:
    (tmp_path / "core.py").write_text("")
    answer = run(site, tmp_path, "-c", "import core, cristae")
    assert answer.returncode == 1
    assert f"another one has been imported: {tmp_path.resolve() / 'core.py'}" in answer.stderr
    assert run(site, tmp_path, "-c", "import cristae").returncode == 0, "imported first, it needs nobody's leave"


def test_an_editable_install_copies_nothing() -> None:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    hook = module.ProgramHook.__new__(module.ProgramHook)
    hook.__dict__["_BuildHookInterface__root"] = str(ROOT)
    for version, expected in (("editable", 0), ("standard", len(module.PROGRAM))):
        data: dict[str, Any] = {"force_include": {}}
        hook.initialize(version, data)
        assert len(data["force_include"]) == expected
