"""Draw the pictures of the README and the documentation: `python docs/make_images.py [SCHMIDT_LIPSON_FILE]`.

Fits both models to the pendulum by the paper's recipe with seed 0, puts the runs into a session, and draws the real
window on it in both themes. With the measured pendulum's file, which is not part of the package, that one too. Under
`--keep FOLDER` the fits are kept there and used again.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from hnn_engine.experiment import model_spec
from hnn_engine.records import Session, load_run, save_session

IMAGES = Path(__file__).parent / "images"
MODELS = ("baseline", "hnn")
LARGEST = 400_000  # bytes of a picture


def lab(*words: str, config: Path) -> None:
    """Run `hnn-lab` with settings of its own, so that nobody's theme, hints or recent files get into the picture."""
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


def draw(session: Path, theme: str, seconds: float, name: str) -> None:
    """Draw the window on `session` at an instant of the transport."""
    target = IMAGES / name
    settings = session.parent / "hnn-lab" / "hnn-lab.conf"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text("[General]\ndragged-once=true\n", encoding="utf-8")
    words = ("--session", str(session), "--theme", theme, "--time", str(seconds), "--out", str(target))
    lab("screenshot", *words, config=session.parent)
    size = target.stat().st_size
    print(f"{target}: {size / 1000:.0f} kB")
    if size > LARGEST:
        raise SystemExit(f"{target} has {size} bytes, but at most {LARGEST} are allowed: quantise it")


def make(folder: Path, measured: str | None) -> None:
    """Draw every picture, with the fits in `folder`."""
    session = fitted(("--system", "pendulum"), folder, "pendulum")
    draw(session, "light", 17.2, "window-light.png")
    draw(session, "dark", 17.2, "window-dark.png")
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
