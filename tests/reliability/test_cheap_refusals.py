"""Files that are small, endless or claim much: refused at once, and with little memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS, MEGABYTES = 2.0, 300.0
READ = ("huge swing.avi", "huge swing.mp4")  # their codecs say of themselves how large the pictures are


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts memory as Linux does")
def test_what_is_too_large_is_refused_within_two_seconds_and_300_mb(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.reliability.cheap_child", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Warning" not in done.stderr
    *cases, peak = map(json.loads, done.stdout.splitlines())
    assert len(cases) > 30
    for name, seconds, said in cases:
        assert seconds < SECONDS, f"{name}: {seconds:.1f} s"
        assert said or name in READ, name
        assert len(said.splitlines()) == (1 if said else 0), said
        assert "expected" in said or name in READ
    assert peak < MEGABYTES
