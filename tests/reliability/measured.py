"""Files of measured data for the hand to import: tables of several kinds, one of them damaged, and a small film."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from hnn_engine.camera import Camera

FRAMES, SIDE, WALL = 40, 40, 64  # of the film: its length, the square that the rod is in, and its width


def plain(folder: Path, dice: random.Random) -> Path:
    """An angle over time, and no more."""
    t = np.arange(80) * 0.04
    return _written(folder / "plain.csv", "t,angle", np.column_stack([t, dice.uniform(0.3, 2.0) * np.cos(2.5 * t)]))


def with_velocity(folder: Path, dice: random.Random) -> Path:
    """Two trials in degrees, with a velocity that was measured."""
    rows = []
    for trial in (1, 2):
        t = np.arange(60) * 0.05
        reach = dice.uniform(10, 60)
        rows += list(zip(reach * np.cos(2 * t), t, -2 * reach * np.sin(2 * t), [trial] * 60, strict=True))
    return _written(folder / "swing.csv", "angle [deg],seconds,speed,run", np.array(rows))


def damaged(folder: Path, dice: random.Random) -> Path:
    """A table some of whose bytes are others."""
    content = bytearray(with_velocity(folder, dice).read_bytes())
    for _ in range(dice.randint(1, 40)):
        content[dice.randrange(len(content))] = dice.randrange(256)
    path = folder / "damaged.csv"
    path.write_bytes(content[: dice.randint(0, len(content))])
    return path


def missing(folder: Path, dice: random.Random) -> Path:
    """No file at all."""
    return folder / f"missing-{dice.randrange(10)}.csv"


TABLES: dict[str, Callable[[Path, random.Random], Path]] = {
    "plain": plain,
    "with velocity": with_velocity,
    "damaged": damaged,
    "missing": missing,
}


def film(folder: Path) -> Path:
    """A GIF of a dark rod on a bright wall, to the right of the middle."""
    path = folder / "swing.gif"
    if not path.exists():
        wall = np.full((FRAMES, SIDE, WALL), 220, np.uint8)
        wall[:, :, WALL - SIDE :] -= Camera(SIDE, 0.3).render(0.6 * np.cos(0.35 * np.arange(FRAMES))) // 2
        first, *rest = (Image.fromarray(frame) for frame in wall)
        first.save(path, save_all=True, append_images=rest, duration=50, loop=0)
    return path


def _written(path: Path, heading: str, rows: np.ndarray) -> Path:  # type: ignore[type-arg]
    lines = [heading, *(",".join(f"{x:.5f}" for x in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
