"""The house as it is meant to be: imports go downward, the engine knows no Qt, and the tables load nothing heavy."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WINDOW_LIBRARIES = {"PySide6", "qasync", "shiboken6"}
HEAVY = WINDOW_LIBRARIES | {"torch", "scipy", "numba", "safetensors", "contourpy", "PIL", "av"}

PICTURE = ROOT / "docs" / "architecture.md"
TABLES = (
    "systems",
    "models",
    "fitting",
    "integrators",
    "recordings",
    "video",
    "video.reading",
    "video.to_recording",
    "video.tiles",
    "video.writing",
    "experiment",
    "records",
    "evaluation",
    "rollouts.energy_drift",
    "rollouts.collocation",
    "tasks",
    "fit_run",
    "journal",
    "race",
    "reproduction",
    "cli",
)
Graph = dict[str, set[str]]


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


@cache
def modules() -> dict[str, Path]:
    return {module_of(path): path for package in ("app", "hnn_engine") for path in files(package)}


def put_off(path: Path) -> Iterator[str]:
    """Yield the modules that a file names in strings, as 'package.module' or 'package.module:name', to import later."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
            yield node.value.partition(":")[0]


@cache
def graph() -> Graph:
    """Return which modules of both packages each module imports, in whatever form, wherever in it the import stands."""
    known = modules()
    found: Graph = {}
    for module, path in known.items():
        names = {name if name in known else name.rpartition(".")[0] for name in imported(path)} | set(put_off(path))
        found[module] = {name for name in names if name in known} - {module}
    return found


def circles(edges: Graph) -> list[list[str]]:
    """Return the groups of names that reach each other (Tarjan's strongly connected components of two or more)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(edges.get(name, ())):
            if other not in index:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(edges):
        if name not in index:
            visit(name)
    return found


def folder(module: str) -> str:
    path = modules()[module]
    return module if path.name == "__init__.py" or path.parent.parent == ROOT else module.rpartition(".")[0]


def folders() -> Graph:
    """Return which folders (and modules at the top of a package) import which others, but for those within them."""
    found: Graph = {}
    for module, others in graph().items():
        here = folder(module)
        there = {folder(other) for other in others}
        found.setdefault(here, set()).update(f for f in there if not f"{f}.".startswith(f"{here}."))
    return {here: {f for f in there if not here.startswith(f"{f}.")} for here, there in found.items()}


@cache
def floors(package: str) -> dict[str, int]:
    """Return module -> floor, as the tables of docs/architecture.md have it."""
    word = {"hnn_engine": "engine floor", "app": "window floor"}[package]
    lines = PICTURE.read_text(encoding="utf-8").splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith(f"| {word} |"))
    found: dict[str, int] = {}
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        level, names = (cell.strip() for cell in line.split("|")[1:3])
        for name in names.replace("`", "").split(", "):
            assert name not in found, f"{name} stands on two floors"
            found[name] = int(level)
    return found


def room(name: str, package: str) -> str | None:
    """Return the first part of a module's name under `package`; None for another package or for `package` itself."""
    parts = name.split(".")
    return parts[1] if parts[0] == package and len(parts) > 1 else None


def climbing(package: str, level: dict[str, int]) -> list[str]:
    """Return the imports that do not go downward."""
    found = []
    for module, others in graph().items():
        own = room(module, package)
        for name in sorted(others) if own is not None else ():
            other = room(name, package)
            if other is not None and other != own and level[other] >= level[str(own)]:
                found.append(f"{module} imports {name}")
    return found


@pytest.mark.parametrize("package", ["hnn_engine", "app"])
def test_every_room_has_its_floor(package: str) -> None:
    rooms = {room(module, package) for module in modules()} - {None}
    assert rooms == set(floors(package))


@pytest.mark.parametrize("package", ["hnn_engine", "app"])
def test_imports_go_downward(package: str) -> None:
    assert climbing(package, floors(package)) == []


def test_the_test_of_floors_sees_a_step_upward() -> None:
    upside_down = {name: -level for name, level in floors("hnn_engine").items()}
    assert len(climbing("hnn_engine", upside_down)) > 50


def test_no_modules_import_each_other() -> None:
    assert circles(graph()) == []


def test_no_folders_import_each_other() -> None:
    assert circles(folders()) == []


def test_the_test_of_circles_sees_every_form_of_import(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from app.lab import Lab\n"
        "def later():\n    import app.training\n"
        "TABLE = {'a': 'hnn_engine.models.hnn:make', 'b': import_module('hnn_engine.race')}\n"
    )
    names = {*imported(path), *put_off(path)}
    assert {"app.lab.Lab", "app.training", "hnn_engine.models.hnn", "hnn_engine.race"} <= names
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_the_picture_is_short() -> None:
    lines = PICTURE.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 110
    assert max(map(len, lines)) <= 120


def test_few_modules_stand_at_the_top_of_the_window() -> None:
    assert len([path for path in (ROOT / "app").glob("*.py") if path.stem != "__init__"]) <= 6


def test_the_engine_knows_neither_the_window_nor_its_libraries() -> None:
    forbidden = WINDOW_LIBRARIES | {"app", "benchmarks"}
    found = [(p.name, n) for p in files("hnn_engine") for n in imported(p) if n.split(".")[0] in forbidden]
    assert found == []


def test_panels_never_import_each_other() -> None:
    """A panel is a folder of app/panels, or a module with those that carry its name: `data` and `data_edit_tools`."""
    found = [
        (module, name)
        for module, names in graph().items()
        for name in names
        if module.startswith("app.panels.") and name.startswith("app.panels.") and not belong(module, name)
    ]
    assert found == []


def belong(module: str, other: str) -> bool:
    one, two = sorted(name.split(".")[2] for name in (module, other))
    return one == two or two.startswith(f"{one}_")


def test_widgets_know_nothing_of_the_laboratory() -> None:
    found = [(module, n) for module, names in graph().items() if module.startswith("app.widgets") for n in names]
    assert [pair for pair in found if room(pair[1], "app") not in (None, "widgets", "style")] == []


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
    made.scene.geometry(track[-1, : made.scene.dof])
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
