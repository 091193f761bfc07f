"""Films, damaged and enormous: read as far as they go, and said so, or refused in a sentence."""

import json
import random
import struct
import subprocess
import sys
import time
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hnn_engine.cli import main
from hnn_engine.errors import RecordingError
from hnn_engine.video import Video, read_video
from hnn_engine.video.containers import video_ends
from tests.reliability.damage_films import COUNT, encode_video, swing, write_films
from tests.reliability.film_child import read_film
from tests.reliability.outcome import LONGEST_FOLLOWED, evaluated
from tests.reliability.tally import Tally

ROOT = Path(__file__).parents[2]
SILENCE = 120.0  # seconds that a process may be busy with one film


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose folder `whole` has the film in every format."""
    folder = tmp_path_factory.mktemp("films")
    (folder / "whole").mkdir()
    write_films(folder / "whole")
    return folder


def try_films(folder: Path, first: int, last: int) -> Counter[str]:
    """Read a damaged film for each seed in a process of its own; fail with the seed that ended or held it up."""
    command = [sys.executable, "-m", "tests.reliability.film_child", str(folder), str(first), str(last)]
    said, errors = folder / "said.txt", folder / "errors.txt"
    with (
        said.open("wb") as out,
        errors.open("wb") as err,
        subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=err) as child,
    ):
        heard, length = time.monotonic(), 0
        while child.poll() is None and time.monotonic() - heard < SILENCE:
            time.sleep(0.05)
            if said.stat().st_size > length:
                heard, length = time.monotonic(), said.stat().st_size
        child.kill()
    lines = said.read_text().splitlines()
    if child.returncode:
        pytest.fail(f"seed {lines[-1:]} ended with {child.returncode}: {errors.read_text(errors='replace')[-3000:]}")
    return Counter(json.loads(lines[-1]))


def test_damaged_films_are_read_or_refused(films: Path) -> None:
    counts = try_films(films, 0, 100)
    assert counts["tried"] == 100
    assert counts["refused"] > 20
    assert counts["read in part"] > 5


@pytest.mark.long
@pytest.mark.timeout(2400)
def test_thousands_of_damaged_films_are_read_or_refused(films: Path, tally: Tally) -> None:
    counts = Counter[str]()
    for first in range(1000, 4000, 250):
        counts += try_films(films, first, first + 250)
    tally.add("damaged videos", **counts)
    assert counts["tried"] == 3000
    assert counts["read in part"] > 200


def test_the_whole_films_are_read_without_a_note(films: Path) -> None:
    for path in (films / "whole").iterdir():
        film = read_video(path)
        assert film.note == "", path.name
        assert film.count == COUNT, path.name
        assert np.abs(film.pictures.astype(int) - swing()).mean() < 8, path.name


def test_a_film_is_followed_to_its_rows(films: Path) -> None:
    counts = Counter[str]()
    evaluated(lambda: read_film(films / "whole" / "swing.gif", True, counts), counts, "a whole video", LONGEST_FOLLOWED)
    assert counts["datasets"] == 1


CUT = (
    "swing.gif",
    "swing.tif",
    "packed.tif",
    "swing.webp",
    "swing.png",
    "swing.mp4",
    "swing.avi",
    "swing.mkv",
    "swing.webm",
)


@pytest.mark.parametrize("name", CUT)
def test_a_film_that_is_cut_off_is_read_as_far_as_it_goes_and_says_so(films: Path, tmp_path: Path, name: str) -> None:
    whole = films / "whole" / name
    if not whole.exists():
        pytest.skip("no encoder for it here")
    path = tmp_path / name
    path.write_bytes(whole.read_bytes()[: int(0.9 * whole.stat().st_size)])
    film, before = read_video(path), read_video(whole)
    assert 20 <= film.count < COUNT
    assert film.note.startswith(("the file ends after", "the file has no end mark after"))
    assert str(film.count) in film.note
    np.testing.assert_array_equal(film.pictures, before.pictures[: film.count])


def looked(path: Path) -> Video | None:
    """Read a film; None where it is refused."""
    try:
        return read_video(path)
    except RecordingError:
        return None


@pytest.mark.parametrize("name", [name for name in CUT if name not in ("packed.tif", "swing.webm")])
def test_wherever_a_film_is_cut_off_no_part_is_read_without_a_note(films: Path, tmp_path: Path, name: str) -> None:
    whole, path, rng = films / "whole" / name, tmp_path / name, random.Random(name)
    raw = whole.read_bytes()
    ends = sorted(rng.randrange(len(raw) * 6 // 10, len(raw)) for _ in range(9))
    found = 0
    for end in (*ends, len(raw) - 1):
        path.write_bytes(raw[:end])
        film = looked(path)
        if film is None:
            continue
        found += 1
        assert film.note or film.count == COUNT, f"{end} of {len(raw)} bytes"
        assert not film.note or f"after {film.count} " in film.note, f"{end} of {len(raw)} bytes: {film.note}"
    assert found > 1


def test_where_only_the_end_mark_is_missing_no_frame_is_said_to_be(films: Path, tmp_path: Path) -> None:
    path = tmp_path / "swing.gif"
    path.write_bytes((films / "whole" / "swing.gif").read_bytes()[:-1])
    film = read_video(path)
    assert (film.count, film.note) == (COUNT, f"the file has no end mark after {COUNT} frames: more may be missing")


@pytest.mark.parametrize("padding", [b"\n", b"\0\0\0", b"\n" * 300, b"\0" * 300, b"\0\0\1\0free\0"])
@pytest.mark.parametrize("name", ["swing.mp4", "swing.mov"])
def test_bytes_behind_the_last_box_of_a_film_are_no_cut(films: Path, tmp_path: Path, name: str, padding: bytes) -> None:
    path = tmp_path / name
    path.write_bytes((films / "whole" / name).read_bytes() + padding)
    film = read_video(path)
    assert (film.count, film.note) == (COUNT, "")


def test_half_a_fragment_of_a_film_is_a_cut() -> None:
    def box(name: bytes, length: int, held: int) -> bytes:
        return struct.pack(">I4s", length, name) + b"x" * held

    first = box(b"ftyp", 16, 8) + box(b"moov", 16, 8) + box(b"moof", 16, 8) + box(b"mdat", 16, 8)
    assert video_ends(BytesIO(first))
    for half in (box(b"moof", 16, 4), box(b"mdat", 16, 0), b"\0\0\0"):
        assert not video_ends(BytesIO(first + half))


@pytest.mark.parametrize(
    ("name", "container", "codec"),
    [
        ("swing.mp4", "mpegts", "libx264"),
        ("swing.mp4", "flv", "flv"),
        ("swing.avi", "mpeg", "mpeg2video"),
        ("swing.avi", "asf", "wmv2"),
        ("swing.m4v", "m4v", "mpeg4"),
        ("swing.mp4", "h264", "libx264"),
    ],
)
def test_a_film_in_another_container_than_its_name_says_is_read(
    tmp_path: Path, name: str, container: str, codec: str
) -> None:
    path = encode_video(tmp_path / name, codec, container)
    if path is None:
        pytest.skip("no encoder for it here")
    film = read_video(path)
    assert (film.count, film.note) == (COUNT, "")
    assert film.seconds == pytest.approx(0.04)


def test_a_film_in_a_container_that_is_not_known_says_so(tmp_path: Path) -> None:
    path = encode_video(tmp_path / "swing.avi", "mpeg4", "nut")
    with pytest.raises(RecordingError, match=r"swing\.avi cannot be read \(in an unknown container"):
        read_video(tmp_path / "swing.avi")
    assert path


@pytest.mark.parametrize("name", ["swing.gif", "swing.webp", "swing.mkv"])
def test_too_little_of_a_film_is_refused_with_the_reason(films: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes((films / "whole" / name).read_bytes()[: (films / "whole" / name).stat().st_size // 2])
    with pytest.raises(RecordingError, match=r"for the file (ends|has no end mark) after .*expected at least 20"):
        read_video(path)


@pytest.mark.parametrize(
    "error", [TypeError("x"), IndexError("x"), MemoryError(), RecursionError("x"), SyntaxError("x")]
)
def test_whatever_a_library_raises_is_a_sentence(
    films: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    from PIL import GifImagePlugin

    before, bad = GifImagePlugin.GifImageFile.seek, 25

    def seek(image: Any, frame: int) -> None:
        if frame == bad:
            raise error
        before(image, frame)

    monkeypatch.setattr(GifImagePlugin.GifImageFile, "seek", seek)
    film = read_video(films / "whole" / "swing.gif")
    assert (film.count, film.note) == (25, "frame 26 of 32 is damaged; it and what follows is left out")
    bad = 0
    with pytest.raises(RecordingError, match=r"swing\.gif cannot be read") as caught:
        read_video(films / "whole" / "swing.gif")
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error", [ValueError("x"), OSError("x"), RecordingError("x"), MemoryError(), KeyboardInterrupt()]
)
@pytest.mark.parametrize("name", ["swing.gif", "swing.mp4", "of png"])
def test_what_a_caller_raises_passes_unharmed(films: Path, name: str, error: BaseException) -> None:
    def stop(share: float) -> None:
        if share > 0.4:
            raise error

    with pytest.raises(type(error)) as caught:
        read_video(films / "whole" / name, stop)
    assert caught.value is error


def test_the_command_line_says_what_is_missing(films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "swing.gif"
    path.write_bytes((films / "whole" / "swing.gif").read_bytes()[:-300])
    command = ["train", "--recording", str(path), "--model", "baseline", "--setting", "steps=1", "--out"]
    assert main([*command, str(tmp_path / "run")]) == 0
    assert "swing.gif: The file has no end mark after" in capsys.readouterr().err


def test_pictures_turned_by_their_camera_are_read(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for i in range(20):
        Image.new("L", (24, 16), 10 * i).save(tmp_path / f"{i}.png", exif=exif)
    assert read_video(tmp_path).pictures.shape == (20, 24, 16)
