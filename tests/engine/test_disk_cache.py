"""The compiled loops on disk: thrown away where a source that they depend on changed, and kept elsewhere."""

import math
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.kernels import disk_cache
from hnn_engine.systems import SYSTEMS

ROOT = Path(__file__).parents[2]
SOURCES = {
    "kernels/fixed.py": "",
    "kernels/cache.py": "",
    "systems/base.py": "",
    "systems/pendulum.py": "from hnn_engine.systems.base import System\n",
    "systems/damped_pendulum.py": "import math\nfrom hnn_engine.systems.pendulum import Pendulum\n",
    "systems/spring.py": "from hnn_engine.systems.base import System\n",
}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of a few files with compiled code of its own; return its folder."""
    for name, text in SOURCES.items():
        source = tmp_path / name
        (source.parent / "__pycache__").mkdir(parents=True, exist_ok=True)
        source.write_text(text)
        os.utime(source, (1000, 1000))
        for suffix in ("nbi", "1.nbc"):
            (source.parent / "__pycache__" / f"{source.stem}.f-1.{suffix}").write_text("code")
    monkeypatch.setattr(disk_cache, "_HERE", tmp_path)
    monkeypatch.setattr(disk_cache, "_KERNELS", tmp_path / "kernels")
    monkeypatch.setattr(disk_cache, "_SYSTEMS", tmp_path / "systems")
    return tmp_path


def complete() -> None:
    """Note that everything is compiled."""
    disk_cache.write_note(True, [Path(name).stem for name in SOURCES if name.startswith("systems/")], 1.0)


def files(kept: Path) -> set[str]:
    """Return which sources have compiled code, all of it."""
    found = [path.relative_to(kept) for path in kept.rglob("*.nb?")]
    names = [f"{path.parts[0]}/{path.name.partition('.')[0]}.py" for path in found]
    assert all(names.count(name) == 2 for name in names)
    return set(names)


def never(*_: object, **__: object) -> None:
    raise AssertionError("another process was started")


def test_what_is_complete_is_kept_and_not_built_again(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    complete()
    disk_cache.forget_stale()
    assert files(kept) == set(SOURCES)
    monkeypatch.setattr(kernel_cache.child_processes, "run_module", never)
    assert kernel_cache._built(lambda: False, "")


@pytest.mark.parametrize(
    ("changed", "lost"),
    [
        ("kernels/fixed.py", set(SOURCES)),
        ("kernels/cache.py", set()),  # it compiles nothing
        ("systems/spring.py", {"systems/spring.py"}),
        ("systems/damped_pendulum.py", {"systems/damped_pendulum.py"}),
        ("systems/pendulum.py", {"systems/pendulum.py", "systems/damped_pendulum.py"}),
        ("systems/base.py", {name for name in SOURCES if name.startswith("systems/")}),
    ],
)
def test_a_changed_source_throws_away_what_depends_on_it_alone(
    kept: Path, changed: str, lost: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    complete()
    os.utime(kept / changed, (2000, 2000))
    assert disk_cache.is_stale() is bool(lost)
    disk_cache.forget_stale()
    assert files(kept) == set(SOURCES) - lost
    assert not disk_cache.is_stale()
    assert disk_cache.is_complete() is not bool(lost)
    assert disk_cache.is_ready() is ("kernels/fixed.py" not in lost), "what all share is there"
    stems = {Path(name).stem for name in set(SOURCES) - lost if name.startswith("systems/")}
    assert set(disk_cache.note().compiled) == stems
    if lost:
        monkeypatch.setattr(kernel_cache.child_processes, "run_module", never)
        with pytest.raises(AssertionError, match="another process"):
            kernel_cache._built(lambda: False, "")


def test_a_changed_constant_throws_all_away(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    complete()
    monkeypatch.setattr(disk_cache, "_CONSTANTS", (*disk_cache._CONSTANTS, 1.0))
    disk_cache.forget_stale()
    assert files(kept) == set()


def test_a_new_system_and_one_that_is_gone_leave_the_others_alone(kept: Path) -> None:
    complete()
    (kept / "systems" / "new.py").write_text("")
    (kept / "systems" / "spring.py").unlink()
    disk_cache.forget_stale()
    assert files(kept) == set(SOURCES) - {"systems/spring.py"}


def test_what_is_not_complete_is_kept_but_built_on(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk_cache.write_note(True, ["pendulum"], 0.9)
    disk_cache.forget_stale()
    assert files(kept) == set(SOURCES)
    monkeypatch.setattr(kernel_cache.child_processes, "run_module", never)
    with pytest.raises(AssertionError, match="another process"):
        kernel_cache._built(lambda: False, "")


@pytest.mark.parametrize("note", [None, "", "numba 0.1\n\neverything is compiled", "[1]", '{"loops": 1}', "null"])
def test_code_without_a_true_note_is_not_trusted(kept: Path, note: str | None) -> None:
    if note is not None:
        disk_cache._note_file().write_text(note)
    disk_cache.forget_stale()
    assert files(kept) == set()


@pytest.mark.timeout(300)
def test_loading_leaves_a_note_that_is_true() -> None:
    assert kernel_cache.load()
    while not disk_cache.is_complete():  # the laws of further systems are compiled after the loops are loaded
        kernel_cache.start_building()
        time.sleep(0.2)
    assert not disk_cache.is_stale()
    assert disk_cache.note().share == kernel_cache.progress() == 1.0
    assert {disk_cache.stem_of(system) for system in SYSTEMS.values()} == set(disk_cache.note().compiled)


def test_the_time_that_is_left_goes_by_the_pace_so_far(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk_cache.write_note(False, (), 0.2)
    monkeypatch.setattr(kernel_cache, "_loops", None)
    monkeypatch.setattr(kernel_cache, "_builder", object())
    monkeypatch.setattr(kernel_cache, "_began", (time.monotonic() - 6.0, 0.2))
    assert math.isnan(kernel_cache.seconds_left()), "nothing is done yet that says how quick it is"
    disk_cache.write_note(False, (), 0.5)
    assert kernel_cache.progress() == 0.5
    assert kernel_cache.seconds_left() == pytest.approx(10.0, rel=0.1)


def test_the_loops_are_waited_for_and_not_the_laws_of_other_systems(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Builder:
        pid = 0

        def poll(self) -> None:
            disk_cache.write_note(True, ["pendulum"], 0.9)

    monkeypatch.setattr(kernel_cache.child_processes, "run_module", lambda name, first: Builder())
    monkeypatch.setattr(kernel_cache, "_builder", None)
    assert kernel_cache._built(lambda: False, "pendulum")
    assert disk_cache.is_ready()
    assert not disk_cache.is_complete()


def test_what_cannot_be_noted_beside_the_program_is_noted_in_the_user_s_cache(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(disk_cache.os, "access", lambda *_: False)
    complete()
    assert not (kept / "kernels" / "__pycache__" / "compiled.json").exists()
    assert disk_cache.is_complete()
    assert disk_cache.is_ready()


def test_a_part_of_a_loop_makes_no_machine_code_of_its_own() -> None:
    assert kernel_cache.load()
    names = {path.name.partition("-")[0] for folder in disk_cache._kept() for path in folder.glob("*.nbi")}
    assert "training._block" in names
    assert not {name for name in names if name.startswith("products.")}


def test_editing_one_system_recompiles_that_system_alone(tmp_path: Path) -> None:
    assert kernel_cache.load()
    copy = tmp_path / "hnn_engine"
    shutil.copytree(ROOT / "hnn_engine", copy)  # with the dates of the files and what is compiled of them
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*.nbc")}
    source = copy / "systems" / "double_pendulum.py"
    text = source.read_text(encoding="utf-8")
    line = "        out[2] = rate1\n"
    assert text.count(line) == 1
    source.write_text(text.replace(line, "        out[2] = rate1 + 1.0\n"), encoding="utf-8")
    code = """
import numpy as np
from hnn_engine.kernels.cache import build
from hnn_engine.rollouts.rollout import compiled_flow, rollout
from hnn_engine.systems import get_system
assert build()
system = get_system("double-pendulum")
answer = rollout(system, np.zeros(4), np.array([0.0, 1e-6]), "rk4")
assert abs(answer.coords[1, 0] - 1e-6) < 1e-9, answer.coords
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}
    )
    assert done.returncode == 0
    after = {path: path.stat().st_mtime_ns for path in copy.rglob("*.nbc")}
    changed = {path.name.partition(".")[0] for path in after if before.get(path) != after[path]}
    assert changed == {"double_pendulum"}
    assert before.keys() == after.keys()
