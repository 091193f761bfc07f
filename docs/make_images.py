"""Draw the pictures of the README and the documentation: `python docs/make_images.py [SCHMIDT_LIPSON_FILE]`.

Fits both models to the pendulum by the paper's recipe with seed 0, puts the runs into a session, and draws the real
window on it in both themes; and so each demonstration. With the measured pendulum's file, which is not part of the
package, that one too. Under `--keep FOLDER` the fits are kept there and used again.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from hnn_engine.experiment import Experiment, model_spec
from hnn_engine.fit_run import FitRun
from hnn_engine.presets import PRESETS, Preset
from hnn_engine.records import Run, Session, load_run, save_session

IMAGES = Path(__file__).parent / "images"
MODELS = ("baseline", "hnn")
LARGEST = 400_000  # bytes of a picture
INSTANTS = {  # of the demonstrations that are drawn, in s
    "energy-added": 14.0,
    "time-reversed": 18.0,
    "fields": 4.6,
    "learned-energy": 5.0,
    "friction": 12.0,
    "luck": 6.0,
    "pixels": 6.6,
    "pixel-energy": 7.5,
}
FILM_SECONDS = 3.2  # of the video that is shown
LARGEST_FILM = 600_000  # bytes


def lab(*words: str, config: Path) -> None:
    """Run `hnn-lab` with settings of its own, so that no user's theme, hints or recent files get into the picture."""
    environment = os.environ | {"XDG_CONFIG_HOME": str(config)}
    subprocess.run([sys.executable, "-m", "app.main", *words], check=True, env=environment)


def fitted(source: tuple[str, str], folder: Path, name: str) -> Path:
    """Fit both models to `source`, ('--system', 'pendulum') say, and return the session `name` that shows them."""
    runs = []
    for model in MODELS:
        out = folder / f"{name}-{model}"
        if not out.exists():
            lab("train", *source, "--model", model, "--out", str(out), config=folder)
        runs.append(load_run(out))
    experiment = replace(runs[0].experiment, models=tuple(model_spec(model) for model in MODELS))
    path = folder / f"{name}.hnnlab"
    save_session(Session(experiment, tuple(runs), tuple(run.id for run in runs), {"field": "hnn"}), path)
    return path


def demonstrated(one: Preset, folder: Path) -> Path:
    """Fit what a demonstration is set up with, all its seeds, and return the session that shows it."""
    path = folder / f"{one.name}.hnnlab"
    if path.exists():
        return path
    experiment, view = one.experiment(), dict(one.view)
    if one.name == "friction":  # the question that it asks
        experiment = replace(experiment, rollout=replace(experiment.rollout, friction=0.5))
    seeds = int(str(view.get("seeds", 1)))
    runs = [run for seed in range(seeds) for run in fits(replace(experiment, seed=seed))]
    save_session(Session(experiment, tuple(runs), tuple(run.id for run in runs), view), path)
    return path


def fits(experiment: Experiment) -> list[Run]:
    """Return a run of each model of `experiment`, evaluated."""
    data, runs = experiment.dataset(), []
    for spec in experiment.models:
        fit = FitRun(replace(experiment, models=(spec,)), data)
        while fit.end is None:
            fit.advance()
        run = fit.as_run(fit.evaluate())
        assert run is not None
        runs.append(run)
    return runs


def film(session: Path, name: str) -> None:
    """Write the video that compares the models of a session."""
    target = IMAGES / name
    words = (str(session), "--out", str(target), "--force", "--height", "200", "--horizon", str(FILM_SECONDS))
    lab("film", *words, config=session.parent)
    check_length(target, LARGEST_FILM)


def check_length(target: Path, most: int = LARGEST) -> None:
    """Say how long a picture is, and end where it is too long."""
    length = target.stat().st_size
    print(f"{target}: {length / 1000:.0f} kB")
    if length > most:
        raise SystemExit(f"{target} has {length} bytes, but at most {most} are allowed: quantise or shorten it")


def draw(session: Path, theme: str, seconds: float, name: str, size: str = "1920x1080") -> None:
    """Draw the window on `session` at an instant of the transport."""
    target = IMAGES / name
    settings = session.parent / "hnn-lab" / "hnn-lab.conf"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text("[General]\ndragged-once=true\n", encoding="utf-8")
    words = ("--session", str(session), "--theme", theme, "--time", str(seconds), "--size", size, "--out", str(target))
    lab("screenshot", *words, config=session.parent)
    check_length(target)


def make(folder: Path, measured: str | None) -> None:
    """Draw every picture, with the fits in `folder`."""
    session = fitted(("--system", "pendulum"), folder, "pendulum")
    draw(session, "light", 17.2, "window-light.png")
    draw(session, "dark", 17.2, "window-dark.png")
    for name, seconds in INSTANTS.items():
        draw(demonstrated(PRESETS[name], folder), "light", seconds, f"{name}.png", "1280x800")
    film(demonstrated(PRESETS["pixels"], folder), "pixels.gif")
    if measured is not None:
        draw(fitted(("--recording", measured), folder, "measured"), "light", 12.0, "measured-pendulum.png")


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the pictures of the documentation.")
    parser.add_argument("measured", nargs="?", metavar="SCHMIDT_LIPSON_FILE")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    IMAGES.mkdir(exist_ok=True)
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
        make(options.keep.resolve(), options.measured)
        return
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), options.measured)


if __name__ == "__main__":
    main()
