"""The house as it is meant to be: imports go downward, the engine knows no Qt, and the tables load nothing heavy."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WINDOW_LIBRARIES = {"PySide6", "pyqtgraph", "qasync", "shiboken6"}
HEAVY = WINDOW_LIBRARIES | {"torch", "scipy", "numba", "safetensors", "contourpy", "PIL", "av"}

# A module imports what stands on a lower floor or belongs to its own room. The looks are one room in several files.
LOOKS = {"theme", "stylesheet", "icons", "settings", "color_tables", "overrides"}
ENGINE_FLOORS: tuple[tuple[str, ...], ...] = (
    ("beside", "errors"),
    ("console", "missing", "limits", "coords", "geometry", "compiled", "machine", "looks", "disk", "places", "signals"),
    ("parameters", "stage", "camera", "atomic", "regular"),
    ("systems", "recordings", "integrators", "collocation"),
    ("models", "comparison", "phases", "frame_pairs", "footage"),
    ("kernels", "datasets", "sight"),
    ("snapshot", "by_hand"),
    ("vision",),
    ("fitting", "evaluation"),
    ("experiment",),
    ("records", "tasks", "demonstrations", "glimpse"),
    ("fit_run", "films", "journal"),
    ("reproduction", "race"),
    ("cli",),
)
APP_FLOORS: tuple[tuple[str, ...], ...] = (
    tuple(LOOKS),
    ("widgets",),
    ("memory",),
    ("portrait_field", "document", "jobs", "clock", "transport", "priority", "child"),
    ("simulation", "data_maker", "warm_up", "newest", "refitter"),
    ("families", "live_fit", "subjects"),
    ("lab",),
    ("panels",),
)  # and above them the shell: every other module of app
MODELS_OF_THE_WINDOW = ("document", "simulation", "portrait_field", "jobs", "clock", "transport", "lab")
TABLES = (
    "systems",
    "models",
    "fitting",
    "integrators",
    "recordings",
    "footage",
    "footage.reading",
    "footage.recorded",
    "footage.sheet",
    "footage.writing",
    "experiment",
    "records",
    "evaluation",
    "comparison",
    "collocation",
    "tasks",
    "fit_run",
    "journal",
    "race",
    "reproduction",
    "cli",
)


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(path: Path) -> Iterator[str]:
    """Yield the full names of all that a file imports, wherever in it the import stands."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(name: str, package: str) -> str | None:
    """Return the first part of a module's name under `package`; None for another package or for `package` itself."""
    parts = name.split(".")
    if parts[0] != package or len(parts) < 2:
        return None
    inside = ROOT / package / parts[1]
    return parts[1] if inside.is_dir() or inside.with_suffix(".py").is_file() else None


def floors(table: tuple[tuple[str, ...], ...]) -> dict[str, int]:
    return {name: level for level, names in enumerate(table) for name in names}


def climbing(package: str, table: tuple[tuple[str, ...], ...]) -> list[str]:
    """Return the imports that do not go downward. What is on no floor stands above all that are."""
    level, top, found = floors(table), len(table), []
    for path in files(package):
        own = room(module_of(path), package)
        for name in imported(path) if own is not None else ():
            other = room(name, package)
            here, there = level.get(str(own), top), level.get(str(other), top)
            if other in (None, own) or {own, other} <= LOOKS or here == there == top:
                continue
            if there >= here:
                found.append(f"{path.relative_to(ROOT)} imports {name}")
    return found


def test_every_room_of_the_engine_has_its_floor() -> None:
    rooms = {room(module_of(path), "hnn_engine") for path in files("hnn_engine")} - {None}
    assert rooms == set(floors(ENGINE_FLOORS))


def test_imports_in_the_engine_go_downward() -> None:
    assert climbing("hnn_engine", ENGINE_FLOORS) == []


def test_imports_in_the_window_go_downward() -> None:
    assert climbing("app", APP_FLOORS) == []


def test_the_test_of_floors_sees_a_step_upward() -> None:
    upside_down = ENGINE_FLOORS[::-1]
    assert len(climbing("hnn_engine", upside_down)) > 50


def test_the_engine_knows_neither_the_window_nor_its_libraries() -> None:
    forbidden = WINDOW_LIBRARIES | {"app", "benchmarks"}
    found = [(p.name, n) for p in files("hnn_engine") for n in imported(p) if n.split(".")[0] in forbidden]
    assert found == []


def test_panels_never_import_each_other() -> None:
    found = [
        (path.name, name)
        for path in files("app/panels")
        for name in imported(path)
        if name.startswith("app.panels") and not name.startswith(module_of(path))
    ]
    assert found == []


def test_widgets_and_what_the_window_shows_do_not_know_each_other() -> None:
    found = [(p.name, n) for p in files("app/widgets") for n in imported(p) if room(n, "app") in MODELS_OF_THE_WINDOW]
    for module in MODELS_OF_THE_WINDOW:
        path = ROOT / "app" / f"{module}.py"
        found += [(path.name, n) for n in imported(path) if room(n, "app") in ("widgets", "panels")]
    assert found == []


def test_panels_own_no_timer() -> None:
    found = [p.name for p in files("app/panels") for n in imported(p) if n.endswith((".QTimer", ".QBasicTimer"))]
    assert found == []


def test_systems_know_no_learning_and_no_torch() -> None:
    found = [(p.name, n) for p in files("hnn_engine/systems") for n in imported(p) if n.split(".")[0] == "torch"]
    assert found == []


def test_one_module_alone_knows_torch() -> None:
    users = {module_of(p) for p in files("hnn_engine") for n in imported(p) if n.split(".")[0] == "torch"}
    assert users == {"hnn_engine.fitting.gradient.torch_backend"}


@pytest.mark.parametrize("package", ["app", "hnn_engine", "resources", "benchmarks"])
def test_nothing_is_pickled_or_evaluated(package: str) -> None:
    modules = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}
    found = []
    for path in files(package):
        found += [(path.name, n) for n in imported(path) if n.split(".")[0] in modules]
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                found += [(path.name, ast.unparse(node))] if unsafe(node) else []
    assert found == []


def unsafe(call: ast.Call) -> bool:
    """Whether a call runs text as code, or reads a pickle."""
    if isinstance(call.func, ast.Name):
        return call.func.id in ("eval", "exec", "compile", "__import__")
    name = ast.unparse(call.func)
    if name in ("torch.load", "torch.save", "os.system"):
        return True
    keywords = {k.arg: ast.unparse(k.value) for k in call.keywords}
    return keywords.get("allow_pickle") == "True" or keywords.get("shell") == "True"


def loaded_after(code: str) -> set[str]:
    """Return the top-level names of what a fresh interpreter has loaded after `code`."""
    report = f"{code}\nimport sys; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", report], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_the_tables_load_nothing_heavy() -> None:
    code = "\n".join(f"import hnn_engine.{table}" for table in TABLES)
    assert loaded_after(code) & HEAVY == set()


def test_an_experiment_and_its_truth_need_nothing_heavy() -> None:
    code = """
from hnn_engine.rollouts.collocation import collocate
from hnn_engine.experiment import new_experiment
from hnn_engine.systems import SYSTEMS
import numpy as np
for name in SYSTEMS:
    made = new_experiment(name)
    track = collocate(made.system.field, np.array(made.start), made.rollout.times)
    made.stage.geometry(track[-1, : made.stage.dof])
new_experiment("pendulum").dataset()
"""
    assert loaded_after(code) & HEAVY == set()


def test_every_module_of_the_engine_loads_without_qt() -> None:
    code = "\n".join(f"import {module_of(path)}" for path in files("hnn_engine"))
    assert loaded_after(code) & WINDOW_LIBRARIES == set()


def test_the_console_script_loads_no_qt_by_itself() -> None:
    assert loaded_after("import app.main") & HEAVY == set()


def test_all_that_is_said_on_stderr_is_said_in_one_place() -> None:
    """`console.say` and `console.progress` make one short line of whatever is in a name."""
    paths = [*files("app"), *sorted((ROOT / "hnn_engine" / "cli").rglob("*.py"))]
    told = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in paths
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
        and any(word.arg == "file" for word in node.keywords)
    ]
    assert told == []
