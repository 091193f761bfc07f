"""docs/extending.md: its code is taken as it stands there, added to the tables, and followed, trained and drawn."""

import importlib
import importlib.util
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from app.widgets.scene_painter import paint_scene, truth_style
from app.widgets.scene_view import SceneView
from hnn_engine.cli import main
from hnn_engine.geometry import Bob
from hnn_engine.integrators import INTEGRATORS, IntegratorInfo, Splitting
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.models import MODELS
from hnn_engine.records import load_run
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.systems import SYSTEMS, get_system

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"<!-- (file|rows): (\S+) -->\n```(?:python|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TABLES: dict[str, dict[str, Any]] = {"SYSTEMS": SYSTEMS, "INTEGRATORS": INTEGRATORS, "MODELS": MODELS}


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Add all that the page adds; return the names of the rows, and stand in an empty folder."""
    names = []
    for kind, target, code in BLOCK.findall(PAGE):
        if kind == "file":
            _write(tmp_path / target, target, code, monkeypatch)
            continue
        lines = [line[1:] for line in code.splitlines() if line.startswith("+")]
        imports = "\n".join(line for line in lines if line.startswith("from "))
        row = "\n".join(line for line in lines if not line.startswith("from "))
        scope: dict[str, Any] = {"IntegratorInfo": IntegratorInfo, "Splitting": Splitting}
        exec(f"{imports}\n(entry,) = [\n{row}\n]", scope)
        entry = scope["entry"]
        monkeypatch.setitem(TABLES[target], entry.name, entry)
        names.append(entry.name)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return names


def _write(path: Path, target: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a file of the page beside the program, and let it be imported by the name that it would have there."""
    assert not (ROOT / target).exists(), "the page adds what is not there yet"
    assert code == code.strip() + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
    name = target.removesuffix(".py").replace("/", ".")
    found = importlib.util.spec_from_file_location(name, path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    monkeypatch.setitem(sys.modules, name, module)
    found.loader.exec_module(module)


def commands() -> list[list[str]]:
    """Return the command lines of the page, in their order."""
    return [shlex.split(line) for line in re.findall(r"^\$ hnn-lab (.*)$", PAGE, re.MULTILINE)]


def test_the_page_adds_a_system_an_integrator_and_a_family(added: list[str]) -> None:
    assert added == ["morse", "ruth3", "nearly-separable-hnn"]
    assert len(commands()) == 5


def test_the_page_s_commands_do_what_they_say(added: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for words in commands():
        assert main(words) == 0, capsys.readouterr().err
    for folder, model in (("runs/morse", "hnn"), ("runs/nearly", "nearly-separable-hnn")):
        run = load_run(Path(folder))
        assert run.snapshot.model == model
        assert run.figures is not None
        assert run.figures.noise_floor_test is not None
        assert run.figures.test_loss < 1.1 * run.figures.noise_floor_test + 1e-4
    assert sorted(os.listdir()) == ["morse.csv", "nearly.csv", "runs", "ruth.csv"]
    rows = np.loadtxt("morse.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(rows[:, -1], rows[0, -1], rtol=1e-6)


@pytest.mark.usefixtures("added")
def test_the_page_s_system_obeys_its_law_compiled_and_in_numpy() -> None:
    """Its period is 2π√(m/2D)/(α√(1 − E/D)), from Morse's solution."""
    system, start = get_system("morse"), np.array([1.0, 0.0])
    states = system.sample_starts(np.random.default_rng(0), 50)
    numeric = np.imag(system.hamiltonian(states[:, None] + 1e-30j * np.eye(2))) / 1e-30
    np.testing.assert_allclose(system.gradient(states), numeric, atol=1e-13)
    energy = float(system.hamiltonian(start))
    period = 2 * np.pi * np.sqrt(0.5) / np.sqrt(1 - energy)
    assert kernel_cache.load()
    back = rollout(system, start, np.array([0.0, period]), "dop853").coords[-1]
    np.testing.assert_allclose(back, start, atol=1e-8)


@pytest.mark.usefixtures("added")
def test_the_page_s_system_is_drawn_and_grabbed(qapp: QApplication) -> None:
    system = get_system("morse")
    image = QImage(300, 200, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(QColor("white"))
    blank = image.copy()
    painter = QPainter(image)
    view = SceneView(system.bounds, (0, 0, 300, 200))
    paint_scene(painter, view, system.geometry(system.default_start[:1]), truth_style())
    painter.end()
    assert image != blank
    moved = system.place(system.default_start, 0, (0.4, 0.2))
    assert moved == pytest.approx([0.4, system.default_start[1]])
    *_, bob = system.geometry(moved[:1])
    assert isinstance(bob, Bob)
    assert bob.at[0] == 0.4
