"""The examples, run as the page on contributing says, with small settings."""

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from xml.etree import ElementTree

from hnn_engine.evaluation import Figures
from hnn_engine.records import load_run

EXAMPLES = Path(__file__).parents[1] / "examples"
SMALL = ("--system", "mass-spring", "--steps", "30", "--width", "8", "--trajectories", "5")


def run(folder: Path, name: str, *words: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(EXAMPLES.parent), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, str(EXAMPLES / name), *words]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_tried() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.suffix == ".py"} == {
        "train_two_models.py",
        "evaluate_run.py",
    }


def test_two_models_are_fitted_plotted_and_evaluated(tmp_path: Path) -> None:
    said = run(tmp_path, "train_two_models.py", *SMALL, "--out", "results").splitlines()
    assert [line.partition(" ·")[0] for line in said[:2]] == ["Baseline", "HNN"]
    for name in ("baseline", "hnn"):
        kept = load_run(tmp_path / "results" / name)
        assert (kept.steps, kept.snapshot.model, kept.experiment.data["trajectories"]) == (30, name, 5)
    text = (tmp_path / "results" / "plots.html").read_text(encoding="utf-8")
    pictures = [part.partition("</figure>")[0] for part in text.split("<figure>")[1:]]
    titles = [ElementTree.fromstring(picture).attrib["aria-label"] for picture in pictures]
    assert titles[:4] == ["Truth and its data", "Baseline", "HNN", "Loss"]
    assert any("nergy" in title for title in titles)

    told = run(tmp_path, "evaluate_run.py", str(tmp_path / "results" / "hnn")).splitlines()
    figures = load_run(tmp_path / "results" / "hnn").figures
    assert figures is not None
    assert [line.split()[0] for line in told[1:-1]] == [field.name for field in fields(Figures)]
    assert told[1].split()[1] == f"{figures.train_loss:.4g}", "it is evaluated as it was"
    assert told[-1].startswith("The energy changes by up to ")
