"""Films in which more moves than one turning body: the angle is doubted; and films in which it is not."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hnn_engine.cli import main
from hnn_engine.video import AngleReader, Crop, extract_frames
from tests.engine.films import write_film
from tests.engine.test_video import drawn, film_of, grey, noisy, swing

Light = npt.NDArray[np.float64]
COUNT, SIDE = 40, 56
Y, X = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE
ANGLES = swing(0.7, count=COUNT)


def pendulum(angles: npt.NDArray[np.float64], across: float = 0.5, arm: float = 0.6) -> Light:
    return drawn(angles, SIDE, (across, 0.15), arm, 0.08)


def ball() -> Light:
    """A ball that rolls by below."""
    along = (0.06 * np.arange(COUNT)) % 1
    return np.array([np.hypot(X - x, Y - 0.85) < 0.09 for x in along], dtype=float)


def second_arm() -> Light:
    """A double pendulum: the lower arm swings by itself."""
    upper, lower = 0.8 * np.cos(0.3 * np.arange(COUNT)), 1.3 * np.cos(0.47 * np.arange(COUNT) + 0.5)
    x, y = 0.5 + 0.3 * np.sin(upper), 0.2 + 0.3 * np.cos(upper)
    bobs = [(x, y), (x + 0.3 * np.sin(lower), y + 0.3 * np.cos(lower))]
    return np.array([any_of([np.hypot(X - a[i], Y - b[i]) < 0.07 for a, b in bobs]) for i in range(COUNT)], dtype=float)


def blurred(exposure: float) -> Light:
    """A pendulum whose bob moves on while the shutter is open, for that part of a step."""
    steps = np.arange(COUNT)
    return np.mean([pendulum(0.7 * np.cos((steps + exposure * part) / 6)) for part in np.linspace(0, 1, 5)], axis=0)


def any_of(covered: list[npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
    return np.logical_or.reduce(covered)


ONE = pendulum(ANGLES)
OTHER = pendulum(0.6 * np.cos(0.41 * np.arange(COUNT) + 1), 0.75, 0.5)
GOOD = {
    "plain": ONE,
    "a bob alone": pendulum(ANGLES, arm=0.55),
    "a short arc": pendulum(0.1 * ANGLES),
    "blurred": blurred(1.0),
}
SQUEEZED = np.clip(((np.arange(SIDE) - SIDE / 2) / 0.6 + SIDE / 2).astype(int), 0, SIDE - 1)
BAD = {
    "seen at a slant": ONE[:, :, SQUEEZED],
    "two pendulums": pendulum(ANGLES, 0.25) + OTHER,
    "a ball rolls by": ONE + ball(),
    "two arms": second_arm(),
}


def reader_of(cover: Light, sigma: float = 0.01) -> AngleReader:
    pictures = grey(noisy(0.9 - 0.8 * cover.clip(0, 1), sigma))
    return extract_frames(film_of(pictures), Crop(0, 0, SIDE)).reader


@pytest.mark.parametrize("name", GOOD)
def test_one_body_that_turns_is_not_doubted(name: str) -> None:
    assert reader_of(GOOD[name]).doubt == ""


def test_noise_alone_is_no_doubt() -> None:
    assert reader_of(ONE, 0.05).doubt == ""


@pytest.mark.parametrize("name", BAD)
def test_what_turns_about_no_single_pivot_is_doubted(name: str) -> None:
    doubt = reader_of(BAD[name]).doubt
    assert "% of what moves turns about one pivot, so the angle may be wrong" in doubt
    assert len(doubt) < 200


def test_the_command_line_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--model", "baseline", "--recipe", "sampled-film", "--out", str(tmp_path / "run")]
    for name, cover in (("good", GOOD["plain"]), ("bad", BAD["two pendulums"])):
        pictures = grey(0.9 - 0.8 * cover.clip(0, 1))
        path = write_film(tmp_path / f"{name}.mp4", np.arange(COUNT) / 30, pictures)
        main(["train", "--recording", str(path), *options])
        assert ("so the angle may be wrong" in capsys.readouterr().err) == (name == "bad")
