"""What is a film: every container by its content, pictures as players turn them, and text never."""

import itertools
import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from hnn_engine.errors import RecordingError
from hnn_engine.recordings.text import look_over
from hnn_engine.video import inspect_film, is_video, read_video
from hnn_engine.video.display import Orientation, orientation
from hnn_engine.video.signatures import DEMUXERS, RAW_DEMUXERS, format_of, is_text
from hnn_engine.video.video import OPTIONS
from tests.engine.films import PERIOD, period, pictures_at, recorded, with_matrix, write_film

TIMES = np.arange(120) / 30

CONTAINERS = {  # what it is called, what it is, what it is said to be
    "swing.mp4": ("mp4", "mp4"),
    "upper.MOV": ("mov", "mov"),
    "swing.3gp": ("3gp", "3gp"),
    "swing.avi": ("avi", "avi"),
    "swing.mkv": ("matroska", "matroska"),
    "swing.webm": ("webm", "webm"),
    "camera.mts": ("mpegts", "mpegts"),
    "camera.ts": ("mpegts", "mpegts"),
    "old.wmv": ("asf", "asf"),
    "old.mpg": ("mpeg", "mpeg"),
    "old.flv": ("flv", "flv"),
    "swing.ogv": ("ogg", "ogg"),
    "swing.mxf": ("mxf", "mxf"),
    "no ending": ("mp4", "mp4"),
    "wrong.gif": ("mp4", "mp4"),
    "wrong.csv": ("matroska", "matroska"),
}
OTHER_CODECS = {"swing.webm": "libvpx", "swing.3gp": "mpeg4", "old.mpg": "mpeg2video"}
RATES = {"swing.mxf": 25}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_film_is_one_by_its_content(tmp_path: Path, name: str) -> None:
    container, said = CONTAINERS[name]
    rate = RATES.get(name, 30)
    times = np.arange(120) / rate
    try:
        path = write_film(tmp_path / name, times, container=container, codec=OTHER_CODECS.get(name))
    except av.codec.codec.UnknownCodecError:
        pytest.skip("no encoder for it here")
    assert is_video(path)
    found = inspect_film(path)
    assert found.format.split(",")[0] == said
    assert (found.frames, found.times_even, found.gaps, found.questions) == (120, True, 0, ())
    assert found.time_step_s == pytest.approx(1 / rate, rel=2e-3)
    assert found.duration_s == pytest.approx(120 / rate, rel=2e-3)
    recording = recorded(path)
    assert period(recording.t, recording.coords[:, 0]) == pytest.approx(PERIOD, rel=0.005)


@pytest.mark.parametrize("name", ["a.avi", "a.mkv", "a.ts", "a.flv", "a.wmv", "a.mov", "a.mp4"])
def test_frames_that_were_dropped_are_missed_in_every_container(tmp_path: Path, name: str) -> None:
    kept = np.delete(np.arange(120), [40, 41, 80])
    path = write_film(tmp_path / name, kept / 30)
    found = inspect_film(path)
    assert (found.frames, found.times_even, found.gaps) == (117, True, 2)
    assert any("3 frames are missing, 2 after frame 40" in note for note in found.notes)
    np.testing.assert_array_equal(read_video(path).places, kept)


def test_a_transport_stream_as_camcorders_write_it_is_read(tmp_path: Path) -> None:
    path = write_film(tmp_path / "plain.ts", TIMES, container="mpegts")
    whole = path.read_bytes()
    stamped = b"".join(b"\0\0\0\0" + whole[i : i + 188] for i in range(0, len(whole), 188))
    for name, content in (("camera.mts", stamped), ("cut off.ts", whole[100:])):
        (tmp_path / name).write_bytes(content)
        assert inspect_film(tmp_path / name).format.startswith("mpegts")


@pytest.mark.parametrize(("container", "codec"), [("h264", "libx264"), ("m4v", "mpeg4"), ("mpeg2video", "mpeg2video")])
@pytest.mark.parametrize("rate", [25, 30])
def test_a_bare_stream_has_the_rate_that_it_states_or_none(
    tmp_path: Path, container: str, codec: str, rate: int
) -> None:
    path = write_film(tmp_path / "swing", np.arange(60) / rate, container=container, codec=codec)
    found = inspect_film(path)
    assert found.frames == 60
    assert found.time_step_s is None or found.time_step_s == pytest.approx(1 / rate)
    assert bool(found.questions) == (found.time_step_s is None)
    assert any("has no time stamps" in note for note in found.notes)


# Text is decided first ------------------------------------------------------------------------------------------------

TEXTS = {
    "list.txt": "ffconcat version 1.0\nfile '{}'\nduration 2\n",
    "list.mp4": "ffconcat version 1.0\nfile '{}'\n",
    "live.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n",
    "live.mpd": '<?xml version="1.0"?><MPD><Period><AdaptationSet><BaseURL>{}</BaseURL></AdaptationSet></Period></MPD>',
    "words.srt": "1\n00:00:00,000 --> 00:00:02,000\n{}\n",
    "screen.ans": "{}\x1b[31mred\n",
    "table.csv": "t,angle\n0,1\n1,2\n",
    "table.gif": "GIF89a,t,angle\n0,1\n",
    "table.avi": "RIFF    AVI LIST\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_is_never_a_film_and_opens_no_other(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(TEXTS[name].format(write_film(tmp_path / "other.mp4", TIMES)))
    if "\x1b" not in TEXTS[name]:
        assert not is_video(path)
    with pytest.raises(RecordingError, match=r"is text, and no video|in an unknown container"):
        read_video(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_text_is_text_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "table.mp4"
    path.write_bytes("Zeit (s)\tWinkel (°)\n0,0\t51,6\n".encode(encoding))
    assert is_text(path.read_bytes())
    assert not is_video(path)


def test_what_is_neither_is_refused_with_both_lists(tmp_path: Path) -> None:
    for name in ("noise.bin", "noise.mp4"):
        path = tmp_path / name
        path.write_bytes(np.random.default_rng(2).bytes(5000))
        assert is_video(path) == (path.suffix == ".mp4")
        with pytest.raises(RecordingError, match=r"mp4, mov, 3gp.*gif, webp.*csv, txt") as caught:
            read_video(path)
        assert len(str(caught.value)) < 300
        with pytest.raises(RecordingError, match=r"csv, txt.*mp4, mov"):
            look_over(str(path))


def test_no_demuxer_opens_other_files_or_reads_text() -> None:
    opens = {"concat", "concatf", "hls", "dash", "image2", "tty", "rtp", "sdp", "rtsp", "lavfi", "imf", "webvtt", "srt"}
    assert not opens & {*DEMUXERS, *RAW_DEMUXERS}
    for name in (*DEMUXERS, *RAW_DEMUXERS):
        assert av.format.ContainerFormat(name, "r").is_input, name


def test_no_protocol_opens_a_file_that_another_names(tmp_path: Path) -> None:
    write_film(tmp_path / "other.mp4", TIMES)
    path = tmp_path / "list.ffconcat"
    path.write_text("ffconcat version 1.0\nfile other.mp4\n")
    allowed = {"protocol_whitelist": OPTIONS["protocol_whitelist"], "safe": "0"}
    with path.open("rb") as file, pytest.raises(av.error.FFmpegError):
        av.open(file, format="concat", container_options=allowed)


def test_a_cover_is_no_film(tmp_path: Path) -> None:
    path = write_film(tmp_path / "swing.mp4", TIMES)
    assert format_of(path.read_bytes()[:8192]) is not None
    still = tmp_path / "still.avif"
    Image.fromarray(pictures_at(TIMES[:1])[0]).save(still)
    with pytest.raises(RecordingError, match="is one picture"):
        read_video(still)


# Turned and mirrored --------------------------------------------------------------------------------------------------

MATRICES = [
    (a, b, c, d)
    for a, b, c, d in itertools.product((-1, 0, 1), repeat=4)
    if abs(a * d - b * c) == 1 and abs(a) + abs(b) == 1 and abs(c) + abs(d) == 1
]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of pictures without any symmetry, wider than high."""
    pictures = np.zeros((24, 48, 80), np.uint8)
    pictures[:, 4:12, 4:60] = 250
    pictures[:, 4:40, 4:12] = 160
    for i, picture in enumerate(pictures):
        picture[30:38, 20 + i : 28 + i] = 210
    return write_film(tmp_path_factory.mktemp("film") / "plain.mp4", np.arange(24) / 25, pictures)


@pytest.mark.parametrize("matrix", MATRICES)
def test_a_film_is_shown_as_its_matrix_says(tmp_path: Path, plain: Path, matrix: tuple[int, int, int, int]) -> None:
    """The pixel at (x, y) is shown at (a x + c y, b x + d y)."""
    path = tmp_path / "turned.mp4"
    path.write_bytes(plain.read_bytes())
    film, upright = read_video(with_matrix(path, matrix)), read_video(plain).pictures
    a, b, c, d = matrix
    y, x = np.mgrid[: upright.shape[1], : upright.shape[2]]
    right, down = a * x + c * y, b * x + d * y
    right, down = right - right.min(), down - down.min()
    expected = np.zeros((len(upright), down.max() + 1, right.max() + 1), np.uint8)
    expected[:, down, right] = upright
    np.testing.assert_array_equal(film.pictures, expected)
    said = inspect_film(path)
    assert said.rotation == film.facts.orientation.rotation
    assert said.mirrored == (a * d - b * c < 0)
    turns = np.rot90(upright[0][:, ::-1] if said.mirrored else upright[0], -said.rotation // 90)
    np.testing.assert_array_equal(film.picture(0), turns)
    words = " ".join(said.notes)
    assert ("mirrored left to right" in words) == said.mirrored
    assert ("turned by" in words) == bool(said.rotation)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed here")
@pytest.mark.parametrize("matrix", MATRICES)
def test_ffmpeg_shows_a_film_the_same_way(tmp_path: Path, plain: Path, matrix: tuple[int, int, int, int]) -> None:
    path = tmp_path / "turned.mp4"
    path.write_bytes(plain.read_bytes())
    film = read_video(with_matrix(path, matrix))
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    shown = np.frombuffer(raw, np.uint8).reshape(film.pictures.shape)
    assert np.abs(shown.astype(int) - film.pictures).mean() < 2


def test_what_is_no_matrix_turns_nothing_and_aslant_is_the_nearest() -> None:
    assert orientation(b"") == orientation(bytes(36)) == Orientation()
    one, part = 1 << 16, round(0.3 * (1 << 16))
    found = orientation(np.array([part, one, 0, -one, part, 0, 0, 0, 1 << 30], np.int32).tobytes())
    assert (found.rotation, found.mirrored, found.aslant) == (90, False, True)


# Written by other programs --------------------------------------------------------------------------------------------

KEPT = Path(__file__).parent / "old_films"


@pytest.mark.parametrize("name", ["upper.MOV", "old.wmv", "old.mpg", "vfr_30_20_30.mp4", "a.avif"])
def test_films_that_other_programs_wrote_are_read(name: str) -> None:
    found = inspect_film(KEPT / name)
    assert found.frames >= 40
    assert not found.questions
