"""The package as others get it: the wheel is whole and works from another folder; README and docs keep their word."""

import io
import json
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tomllib
import zipfile
from contextlib import redirect_stdout
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

import pytest

import hnn_engine
from app.screenshot import _parser as screenshot_parser
from hnn_engine.cli.parser import COMMANDS, build_parser
from hnn_engine.evaluation import Figures
from hnn_engine.reproduction import read_rows, tables
from hnn_engine.reproduction.text import markdown, summary

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "hnn_engine", "resources")
UNPACKAGED = shutil.ignore_patterns("__pycache__", "*.py[cod]", "*.nbc", "*.nbi")
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPENS = "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/hnn-lab"
TESTS = 'python3 -m venv .venv && .venv/bin/pip install -e ".[test]" && .venv/bin/pytest'
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LARGEST_PICTURE = 400_000  # bytes


# The wheel ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what the wheel is built from, so that no leftover of an earlier build gets into it."""
    copy = tmp_path_factory.mktemp("sources")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=UNPACKAGED)
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the installed setuptools: no network."""
    out = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(out), str(sources))
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel alone into an empty folder."""
    target = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--no-index", "--target", str(target), str(wheel))
    return target


def pip(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def lab(installed: Path, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the installed console script in `folder`, with the dependencies of this environment."""
    script = shutil.which("hnn-lab", path=str(installed / "bin"))
    assert script is not None
    environment = os.environ | {"PYTHONPATH": str(installed), "XDG_CONFIG_HOME": str(folder / "config")}
    return subprocess.run([script, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_holds_every_file_and_nothing_else(sources: Path, wheel: Path) -> None:
    expected = {f.relative_to(sources).as_posix() for p in PACKAGES for f in (sources / p).rglob("*") if f.is_file()}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == expected
    assert {"app/py.typed", "hnn_engine/py.typed", "resources/help/tour.md"} <= held
    assert {"resources/icons/train.svg", "resources/recordings/simulated_pendulum.csv"} <= held


def test_a_build_with_leftovers_leaves_them_out(sources: Path, tmp_path: Path) -> None:
    littered = tmp_path / "sources"
    shutil.copytree(sources, littered)
    (littered / "resources" / "__pycache__").mkdir()
    (littered / "resources" / "__pycache__" / "left.cpython-311.pyc").write_bytes(b"left")
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(tmp_path), str(littered))
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as archive:
        assert not [name for name in archive.namelist() if "pycache" in name]


def test_the_wheel_states_version_licence_and_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        texts = {
            name.split(".dist-info/")[1]: archive.read(name).decode() for name in archive.namelist() if "-info" in name
        }
    assert f"\nVersion: {hnn_engine.__version__}\n" in texts["METADATA"]
    assert "\nLicense-Expression: MIT\n" in texts["METADATA"]
    assert texts["licenses/LICENSE"] == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "hnn-lab = app.main:main" in texts["entry_points.txt"]


def test_the_installed_command_lists_the_systems_from_another_folder(installed: Path, tmp_path: Path) -> None:
    done = lab(installed, tmp_path, "systems", "--json")
    assert done.returncode == 0, done.stderr
    assert {"mass-spring", "pendulum", "two-body"} <= {system["name"] for system in json.loads(done.stdout)}
    assert lab(installed, tmp_path, "--version").stdout == f"hnn-lab {hnn_engine.__version__}\n"


def test_the_installed_packages_are_the_ones_in_use(installed: Path, tmp_path: Path) -> None:
    code = "import app, hnn_engine, resources; print(app.__file__, hnn_engine.__file__, resources.__file__, sep='\\n')"
    environment = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert [Path(line).parents[1] for line in done.stdout.splitlines()] == [installed] * 3


def test_the_installed_window_is_drawn_from_another_folder(installed: Path, tmp_path: Path) -> None:
    words = ("--system", "mass-spring", "--size", "1280x800", "--theme", "dark", "--out", "window.png")
    done = lab(installed, tmp_path, "screenshot", *words)
    assert done.returncode == 0, done.stderr
    picture = (tmp_path / "window.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert struct.unpack(">II", picture[16:24]) == (1280, 800)
    assert len(picture) > 40_000  # an empty window is a tenth of this


def test_versions_agree() -> None:
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert stated == hnn_engine.__version__ == version("hnn-lab")


# What the README says -------------------------------------------------------------------------------------------------


def test_the_readme_has_both_lines() -> None:
    lines = README.splitlines()
    assert lines.count(OPENS) == 1
    assert lines.count(TESTS) == 1


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_ci_runs_the_readme_s_own_lines() -> None:
    done = subprocess.run(["bash", ".ci/run", "--plan"], cwd=ROOT, capture_output=True, text=True, check=True)
    packages, tests, *checks = done.stdout.splitlines()
    assert packages in README.splitlines()
    assert {"libegl1", "libxkbcommon0", "libdbus-1-3", "libxcb-cursor0"} <= set(packages.split())
    assert tests == TESTS.replace(".venv", ".ci-venv")
    assert checks == [f".ci-venv/bin/{words}" for words in ("ruff format --check", "ruff check", "mypy")]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def documented_commands() -> list[str]:
    """Return every line of the pages that calls `hnn-lab` with arguments."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    return re.findall(r"^(?:\$ )?hnn-lab ([a-z].*)$", text, re.MULTILINE)


def test_commands_are_documented_with_an_example_each() -> None:
    first = {line.split()[0] for line in documented_commands()}
    assert {*COMMANDS, "screenshot"} <= first


@pytest.mark.parametrize("line", documented_commands())
def test_documented_commands_are_understood(line: str) -> None:
    name, *words = shlex.split(line)
    if name == "screenshot":
        screenshot_parser().parse_args(words)
    else:
        build_parser().parse_args([name, *words])


@pytest.mark.parametrize("name", ["systems", "models", "recipes", "integrators", "tasks"])
def test_the_readme_shows_what_the_tables_print(name: str) -> None:
    out = io.StringIO()
    options = build_parser().parse_args([name])
    with redirect_stdout(out):
        options.run(options)
    block = README.split(f"$ hnn-lab {name}\n")[1]
    shown = re.split(r"^(?:\$ |```)", block, maxsplit=1, flags=re.MULTILINE)[0].splitlines()
    printed = out.getvalue().splitlines()
    if shown[-1] == "…":  # so that a new row asks for no change here
        shown, printed = shown[:-1], printed[: len(shown) - 1]
    assert shown == printed
    assert len(shown) >= 4


# The pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    relative = [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]
    assert [target for target in relative if not (page.parent / target).exists()] == []


def test_what_the_page_on_contributing_runs_is_there() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"(?:tests|examples|docs|app|hnn_engine|benchmarks)/[\w./]*\w(?:::\w+)*", page)
    assert len(named) > 10
    for name in named:
        path, *parts = name.split("::")
        assert (ROOT / path).exists(), name
        assert all(re.search(rf"(class|def) {part}\b", (ROOT / path).read_text(encoding="utf-8")) for part in parts)
    assert TESTS.partition(" && .venv/bin/pytest")[0] in page


def test_the_citation_is_of_this_version_by_its_contributors() -> None:
    # Checked against the schema of CFF 1.2.0 when it was written: `cffconvert --validate`, which is no dependency.
    lines = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert {"cff-version: 1.2.0", "title: HNN Lab", f"version: {hnn_engine.__version__}", "license: MIT"} <= set(lines)
    assert lines[lines.index("authors:") + 1] == "  - name: HNN Lab contributors"
    assert f"## {hnn_engine.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_source_distribution_takes_along_what_is_no_package() -> None:
    lines = (ROOT / "MANIFEST.in").read_text(encoding="utf-8").split()
    assert {"examples", "benchmarks", "docs", "tests", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md"} <= set(lines)


def test_pictures_are_small() -> None:
    pictures = sorted((ROOT / "docs").rglob("*.png"))
    assert pictures
    assert {p.name: p.stat().st_size for p in pictures if p.stat().st_size > LARGEST_PICTURE} == {}


def test_every_figure_is_defined() -> None:
    page = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    assert [f.name for f in fields(Figures) if f"`{f.name}`" not in page] == []


def test_the_tables_of_the_paper_s_tasks_come_from_the_committed_fits() -> None:
    between = README.split("<!-- reproduction: begin, by docs/make_tables.py -->\n")[1]
    block = between.split("<!-- reproduction: end -->")[0]
    fits = ROOT / "docs" / "reproduction" / "fits.json"
    if not fits.exists():
        assert block.strip() == ""
        return
    found = tables(read_rows(fits))
    assert block.strip().startswith(summary(found) + "\n")
    assert markdown(found) in (fits.parent / "README.md").read_text(encoding="utf-8")


def test_every_decision_is_in_the_list() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\]\(([^)]+)\)", (folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in folder.glob("*.md")} - {"README.md"}
