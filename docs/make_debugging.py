"""Draw the pictures of docs/visual-debugging.md and fill in its figures: `python docs/make_debugging.py`, some minutes.

Each failure is made by the command line that the page quotes; what `hnn-lab evaluate --debug` finds goes between the
marks of its section, and `hnn-lab screenshot` draws the window on it. Under `--keep FOLDER` the fits are kept there and
used again; `--words` fills in the figures alone.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from hnn_engine.number_format import percent
from hnn_engine.records import Session, load_run, save_session

PAGE = Path(__file__).parent / "visual-debugging.md"
IMAGES = Path(__file__).parent / "images"
SIZE, LAYOUT = "1280x800", "debug"
LARGEST = 250_000  # bytes of a picture


@dataclass(frozen=True)
class Failure:
    """A failure: the options of `train` that make it, those of `evaluate` that look at it, and the instant of the
    playback that is drawn, in s."""

    train: str
    evaluate: str = ""
    seconds: float = 5.0


FAILURES: Mapping[str, Failure] = {
    "noise": Failure(
        "--system pendulum --model hnn --recipe sampled --noise 0.2 --setting states=measured",
        "--horizon 40 --start 1.9,0",
        20.0,
    ),
    "extrapolation": Failure("--system pendulum --model hnn --recipe sampled --noise 0", "--start 2.9,3"),
    "friction": Failure("--system damped-pendulum --model hnn --recipe sampled --noise 0"),
    "step": Failure("--system pendulum --model hnn --recipe sampled --noise 0", "--start 1.6,0 --dt 0.4"),
    "regularised": Failure(
        "--system pendulum --model hnn --recipe sampled --noise 0 --setting regularisation=fixed --setting ridge=0.1",
        "--start 1.6,0",
    ),
    "chaos": Failure(
        "--system double-pendulum --model hnn --recipe sampled --reach 3 --trajectories 600",
        "--start 2.2,-1,0,0 --horizon 60 --integrator dop853",
        20.0,
    ),
}


def lab(*words: str, config: Path) -> str:
    """Run `hnn-lab` with settings of its own, and return what it prints."""
    environment = os.environ | {"XDG_CONFIG_HOME": str(config), "HNN_LAB_DATA": str(config / "data")}
    command = [sys.executable, "-m", "app.main", *words]
    return subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout


def looked_at(name: str, one: Failure, folder: Path) -> dict[str, Any]:
    """Fit a failure where that is not done yet, and return what `evaluate --debug` prints."""
    run = folder / name
    if not run.exists():
        lab("train", *one.train.split(), "--out", str(run), config=folder)
    answer = lab("evaluate", str(run), "--debug", "--json", *one.evaluate.split(), config=folder)
    found: dict[str, Any] = json.loads(answer)["debug"]
    return found


def described(name: str, one: Failure, found: Mapping[str, Any]) -> str:
    """Return the section's commands, figures and verdict."""
    options = " ".join(shlex.quote(word) for word in one.train.split())
    lines = [
        "```",
        f"hnn-lab train {options} --out {name}",
        f"hnn-lab evaluate {name} --debug {one.evaluate}".rstrip(),
        "```",
        "",
        "| figure | value |",
        "|---|---|",
        *(f"| {title} | {value} |" for title, value in figures(found)),
        "",
        *(f"> **{said['certainty']}**: {said['text']} *{said['remedy']}*\n>" for said in found["verdict"]),
    ]
    text = "\n".join(lines).rstrip("\n>")
    return f"{text}\n\n![Layout Debug on this fit](images/debug-{name}.png)"


def figures(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the figures that say most."""
    field, drift, model, method = (
        found[key] for key in ("field_error", "energy_drift", "model_error", "integrator_error")
    )
    rows = [
        ("field error within the data's energies", share(field["inside"])),
        ("above them", share(field["outside"])),
        ("drift of the true H, by the method", share(drift["true_H"]["largest"])),
        ("without the method's error", share(drift["true_H_exact"]["largest"])),
        ("the model's error, in rms ‖x‖", share(model["largest"])),
        ("the method's error, in rms ‖x‖", share(method["largest"])),
    ]
    exponents = found["lyapunov"]["truth"]
    if exponents is not None and exponents["lyapunov_time"] is not None:
        rows.append(("Lyapunov time of truth", f"{exponents['lyapunov_time']:.2g} s"))
    return rows


def share(value: float | None) -> str:
    """Return a share in per cent, – where it has no meaning."""
    return "–" if value is None else percent(value)


def between(text: str, name: str, content: str) -> str:
    """Return `text` with `content` between the marks of the section `name`."""
    begin, end = f"<!-- {name}: begin, by docs/make_debugging.py -->", f"<!-- {name}: end -->"
    return f"{text[: text.index(begin)]}{begin}\n\n{content}\n\n{text[text.index(end) :]}"


def draw(name: str, one: Failure, folder: Path) -> None:
    """Draw the window, in the layout Debug, on a failure."""
    run = load_run(folder / name)
    words = dict(zip(one.evaluate.split()[::2], one.evaluate.split()[1::2], strict=True))
    asked = run.experiment
    start = tuple(float(x) for x in words["--start"].split(",")) if "--start" in words else asked.start
    spec = replace(
        asked.rollout,
        integrator=words.get("--integrator", asked.rollout.integrator),
        dt=float(words.get("--dt", asked.rollout.dt)),
        horizon=float(words.get("--horizon", asked.rollout.horizon)),
    )
    session, target = folder / f"{name}.hnnlab", IMAGES / f"debug-{name}.png"
    save_session(
        Session(replace(asked, start=start, rollout=spec), (run,), (run.id,), {"field": run.snapshot.model}), session
    )
    settings = folder / "hnn-lab" / "hnn-lab.conf"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text("[General]\ndragged-once=true\n", encoding="utf-8")
    shown = ("--session", str(session), "--layout", LAYOUT, "--time", str(one.seconds), "--size", SIZE)
    lab("screenshot", *shown, "--out", str(target), config=folder)
    with Image.open(target) as picture:  # 256 colours are enough for lines on paper and one map
        few = picture.convert("RGB").quantize(256)
    few.save(target, optimize=True)
    length = target.stat().st_size
    print(f"{target}: {length / 1000:.0f} kB")
    if length > LARGEST:
        raise SystemExit(f"{target} has {length} bytes, but at most {LARGEST} are allowed: draw it smaller")


def make(folder: Path, pictures: bool) -> None:
    """Fill in every section, and draw its picture."""
    for name, one in FAILURES.items():
        content = described(name, one, looked_at(name, one, folder))
        PAGE.write_text(between(PAGE.read_text(encoding="utf-8"), name, content), encoding="utf-8")
        print(f"{name} is filled in", flush=True)
        if pictures:
            draw(name, one, folder)


def main() -> None:
    """Fill in the page."""
    parser = argparse.ArgumentParser(description="Fill in docs/visual-debugging.md and draw its pictures.")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--words", action="store_true", help="no pictures")
    options = parser.parse_args()
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
        make(options.keep.resolve(), not options.words)
        return
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), not options.words)


if __name__ == "__main__":
    main()
