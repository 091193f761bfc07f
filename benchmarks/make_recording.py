"""Simulate the recording that the package ships: `python -m benchmarks.make_recording [FILE]`.

A pendulum with air drag, θ̈ = −(g/l) sin θ − γ θ̇, is integrated to 1e-12 and watched by a camera: every second
frame of 30 a second is kept, the tracker's angle has normal noise, its velocity is the central difference of
neighbouring frames, and now and then frames are dropped. The seed is fixed, so the file is the same every time.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.integrate import solve_ivp

SEED = 1581
GRAVITY_OVER_LENGTH = 9.81  # s⁻²: a rod of one metre
DAMPING = 0.03  # s⁻¹
START = (2.0, 0.0)  # rad, rad/s
FRAMES_PER_SECOND = 30
SECONDS = 60
KEPT = 2  # every second frame
ANGLE_NOISE = 0.004  # rad, standard deviation
DROPS = 12  # times that the camera loses frames
LONGEST_DROP = 4  # kept frames
TARGET = Path(__file__).parents[1] / "resources" / "recordings" / "simulated_pendulum.csv"

HEADER = f"""\
# Simulated recording: a damped pendulum, computed and not measured
# angle'' = -{GRAVITY_OVER_LENGTH:g} sin(angle) - {DAMPING:g} angle', from {START[0]:g} rad at rest
# camera of {FRAMES_PER_SECOND} frames per second, every second one kept, some dropped; angle noise {ANGLE_NOISE:g} rad
# velocity: central difference over the neighbouring frames
# reference energy: a = {GRAVITY_OVER_LENGTH:g}, b = 0.5
time (s),angle (rad),velocity (rad/s)
"""

Array = npt.NDArray[np.float64]


def truth(t: Array) -> Array:
    """Return angle and velocity `(T, 2)` of the noise-free pendulum at rising times `t` from 0."""

    def field(_: float, x: Array) -> list[float]:
        return [x[1], -GRAVITY_OVER_LENGTH * np.sin(x[0]) - DAMPING * x[1]]

    solution = solve_ivp(field, (0.0, float(t[-1])), START, method="DOP853", t_eval=t, rtol=1e-12, atol=1e-12)
    return np.asarray(solution.y.T, dtype=np.float64)


def filmed(rng: np.random.Generator) -> Array:
    """Return the rows time, angle, velocity `(N, 3)` that the tracker writes."""
    t = np.arange(FRAMES_PER_SECOND * SECONDS + 1) / FRAMES_PER_SECOND
    angle = truth(t)[:, 0] + rng.normal(0.0, ANGLE_NOISE, len(t))
    velocity = (angle[2:] - angle[:-2]) * (FRAMES_PER_SECOND / 2)
    rows = np.stack([t[1:-1], angle[1:-1], velocity], axis=-1)[::KEPT]
    return rows[kept_frames(rng, len(rows))]


def kept_frames(rng: np.random.Generator, count: int) -> npt.NDArray[np.bool_]:
    """Return `(count,)`: false for the frames that the camera drops, in bursts of one to `LONGEST_DROP`."""
    kept = np.ones(count, dtype=bool)
    for start in rng.choice(np.arange(20, count - 20), DROPS, replace=False):
        kept[start : start + rng.integers(1, LONGEST_DROP, endpoint=True)] = False
    return kept


def main(target: Path) -> None:
    """Write the recording to `target`."""
    rows = filmed(np.random.default_rng(SEED))
    lines = [f"{t:.4f},{angle:.4f},{velocity:.4f}\n" for t, angle, velocity in rows]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(HEADER + "".join(lines), encoding="utf-8", newline="\n")
    print(f"{target}: {len(rows)} rows")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
