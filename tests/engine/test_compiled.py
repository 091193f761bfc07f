"""The compiled loops on disk: thrown away when a source changes, and not compiled again when none does."""

import os
import sys
from pathlib import Path

import pytest

from hnn_engine.kernels import cache as kernel_cache


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of two files with compiled code of its own; return the folder that numba would use."""
    (tmp_path / "integrators.py").write_text("")
    folders = tuple(tmp_path / name / "__pycache__" for name in ("kernels", "systems"))
    for folder in folders:
        folder.mkdir(parents=True)
        (folder.parent / "loops.py").write_text("x = 1\n")
        (folder / "loops.f-1.nbi").write_text("index")
        (folder / "loops.f-1.1.nbc").write_text("code")
    monkeypatch.setattr(kernel_cache, "_HERE", tmp_path)
    monkeypatch.setattr(kernel_cache, "_KEPT", folders)
    monkeypatch.setattr(kernel_cache, "_NOTE", folders[0] / "compiled.txt")
    return folders[0]


def never(*_: object, **__: object) -> None:
    raise AssertionError("another process was started")


def test_what_is_complete_is_kept_and_not_built_again(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel_cache._write_note(whole=True)
    kernel_cache.forget_stale()
    assert len(list(kept.glob("*.nb?"))) == 2
    monkeypatch.setattr(kernel_cache.child_processes, "run_module", never)
    assert kernel_cache._built(lambda: False)


@pytest.mark.parametrize("changed", ["kernels/loops.py", "systems/loops.py", "integrators.py"])
def test_a_changed_source_throws_all_compiled_code_away(kept: Path, changed: str) -> None:
    kernel_cache._write_note(whole=True)
    source = kept.parents[1] / changed
    source.write_text("x = 2\n")
    os.utime(source, (1, 1))
    kernel_cache.forget_stale()
    assert list(kept.parents[1].rglob("*.nb?")) == []
    assert kernel_cache._note() == (kernel_cache._stamp(), False)


def test_what_is_not_complete_is_kept_but_built_on(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel_cache._write_note(whole=False)
    kernel_cache.forget_stale()
    assert len(list(kept.glob("*.nb?"))) == 2
    monkeypatch.setattr(kernel_cache.child_processes, "run_module", never)
    with pytest.raises(AssertionError, match="another process"):
        kernel_cache._built(lambda: False)


def test_code_without_a_note_is_not_trusted(kept: Path) -> None:
    kernel_cache.forget_stale()
    assert list(kept.glob("*.nb?")) == []


def test_loading_leaves_a_note_that_is_true() -> None:
    assert kernel_cache.load()
    assert kernel_cache._note() == (kernel_cache._stamp(), True)
    version = f"py{sys.version_info.major}{sys.version_info.minor}."
    files = [path for folder in kernel_cache._KEPT for path in folder.glob("*.nbc") if version in path.name]
    assert len(files) == pytest.approx(kernel_cache._FILES, rel=0.1), "progress goes by their number"


def test_progress_goes_by_what_is_kept(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_cache, "_loops", None)
    monkeypatch.setattr(kernel_cache, "_FILES", 8)
    assert kernel_cache.progress() == 2 / 8
    for number in range(20):
        (kept / f"loops.g-{number}.1.nbc").write_text("code")
    assert kernel_cache.progress() == 0.99
    kernel_cache._write_note(whole=True)
    assert kernel_cache.progress() == 1.0
