"""One start of the window with Train pressed at once: `python -m benchmarks.cold_window SYSTEM RECIPE SECONDS`.

Prints one JSON line: seconds from the press to the first painted point of a loss curve and to the end of the first fit,
what computes it, and the intervals between frames in SECONDS after the press. With the recipe `none` nothing is
trained: frames alone.
"""

import asyncio
import json
import sys
import time
from dataclasses import replace

from app.model.document import State
from benchmarks.figures import Figures, milliseconds, percentiles, rounded
from benchmarks.stand import WatchedWindow, in_window, until
from hnn_engine.experiment import default_settings, new_experiment
from hnn_engine.kernels import cache as kernel_cache

LONGEST = 240.0  # s that a first point may take
NONE = "none"


async def pressed(window: WatchedWindow, system: str, recipe: str, seconds: float) -> Figures:
    """Show `system`, press Train as soon as the window is painted, and watch."""
    watch, lab = window.watch, window.lab
    assert watch is not None
    await until(lambda: len(watch.paints) > 0, "the window was not painted")
    experiment = new_experiment(system)
    if recipe != NONE:
        experiment = replace(experiment, recipe=recipe, settings=default_settings(recipe, experiment.scene))
    if system != lab.experiment.source_name or recipe != NONE:
        lab.document.reset(State(experiment), None)
    lab.playback.set_playing(True)
    compiled, began = kernel_cache.is_compiled(), time.perf_counter()
    found: Figures = {"compiled_before": compiled}
    if recipe != NONE:
        lab.training.start()
        await until(lambda: any(s.steps for s in lab.training.series.values()), "no loss was drawn", LONGEST)
        count = len(watch.paints)
        await until(
            lambda: len(watch.paints) > count or len(watch.paints) == watch.paints.maxlen, "nothing was painted"
        )
        found["first_point_s"] = rounded(time.perf_counter() - began)
        found["fitted_by_then"] = len(lab.document.state.runs)
    await asyncio.sleep(max(0.0, seconds - (time.perf_counter() - began)))
    stamps = [paint.done for paint in watch.paints if paint.done >= began]
    frames = percentiles(milliseconds(stamps), 50, 95, 99)
    return {**found, "frame_ms": frames, "compiled_after": kernel_cache.progress()}


def main(system: str, recipe: str, seconds: float) -> None:
    """Open the window, and print what was found."""
    print(json.dumps(in_window(lambda window: pressed(window, system, recipe, seconds), warm=False)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
