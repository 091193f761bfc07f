"""Reads damaged films in a process of its own, which a library that fails on one may end: a line for each seed.

    python -m tests.reliability.film_child FOLDER FIRST LAST

FOLDER/whole holds the films. Each line is a JSON list: a seed before it is tried, and at the end the counts.
"""

import json
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np

from hnn_engine.recordings import Recording
from hnn_engine.video import FEWEST_FRAMES, Crop, as_recording, extract_frames, read_video
from tests.reliability.damage_films import damage_film
from tests.reliability.outcome import LONGEST, LONGEST_FOLLOWED, evaluated

ALL_THE_WAY = 60  # one film of so many is read to its angles, which takes a second or two


def read_film(path: Path, all_the_way: bool, counts: Counter[str]) -> Recording | None:
    """Read a film, and perhaps what swings in it."""
    film = read_video(path)
    assert film.count >= FEWEST_FRAMES
    assert film.pictures.dtype == np.uint8
    assert film.pictures.shape == (film.count, film.height, film.width)
    assert film.seconds is None or 0 < film.seconds < np.inf
    assert len(film.note.splitlines()) <= 1
    counts["read in part"] += bool(film.note)
    if not all_the_way:
        return None
    return as_recording(
        extract_frames(film, Crop.whole(film), min(28, film.width, film.height) & ~1 or 2, seconds=0.04)
    )


def main(folder: Path, first: int, last: int) -> None:
    """Try the films of the seeds from `first` up to `last`."""
    films = sorted((folder / "whole").iterdir())
    damaged, counts = folder / "damaged", Counter[str]()
    damaged.mkdir(exist_ok=True)
    for seed in range(first, last):
        print(json.dumps(seed), flush=True)
        path = damage_film(seed, films, damaged)
        name, whole = f"{path.name} of seed {seed}", seed % ALL_THE_WAY == 0
        evaluated(partial(read_film, path, whole, counts), counts, name, LONGEST_FOLLOWED if whole else LONGEST)
    print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
