"""Films: reading, all that can be wrong, frames bright on dark, the angle against the true one, sheets, writing."""

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageSequence

from hnn_engine.coords import Array, wrap_angle
from hnn_engine.errors import RecordError, RecordingError
from hnn_engine.model_colors import COLORS
from hnn_engine.video import (
    AngleReader,
    Crop,
    FrameSequence,
    Tile,
    Video,
    as_recording,
    clip,
    extract_frames,
    read_video,
    side_by_side,
    write_video,
)

Pictures = npt.NDArray[np.uint8]

DT = 0.05


def swing(start: float, speed: float = 0.0, count: int = 30) -> Array:
    """Return the angles of a pendulum with g/l = 15 s⁻² at steps of `DT`."""
    angles, angle = np.empty(count), start
    for i in range(count):
        angles[i] = angle
        for _ in range(10):
            speed -= 15 * math.sin(angle) * DT / 20
            angle += speed * DT / 10
            speed -= 15 * math.sin(angle) * DT / 20
    return angles


def drawn(
    angles: Array, size: int = 28, pivot: tuple[float, float] = (0.5, 0.5), arm: float = 0.38, bob: float = 0.06
) -> npt.NDArray[np.float64]:
    """Return pictures `(N, size, size)`, 0 to 1, of a rod and a bob; lengths are parts of the picture."""
    parts = 4 if size < 50 else 2  # of a pixel's side
    fine = (np.arange(parts * size) + 0.5) / (parts * size)
    x, y = fine - pivot[0], (fine - pivot[1])[:, None]
    along = x * np.sin(angles)[:, None, None] + y * np.cos(angles)[:, None, None]
    across = x * np.cos(angles)[:, None, None] - y * np.sin(angles)[:, None, None]
    rod = np.hypot(along - along.clip(0, arm), across) < 0.02
    covered = rod | (np.hypot(along - arm, across) < bob)
    return covered.reshape(len(angles), size, parts, size, parts).mean(axis=(2, 4))


def grey(light: npt.NDArray[np.float64]) -> Pictures:
    return np.rint(255 * light).clip(0, 255).astype(np.uint8)


def noisy(light: npt.NDArray[np.float64], sigma: float) -> npt.NDArray[np.float64]:
    return light + sigma * np.random.default_rng(3).normal(size=light.shape)


def degrees_off(read: Array, angles: Array) -> float:
    """Return the root mean square of the difference in degrees; NaN where one could not be read."""
    return math.degrees(math.sqrt(float((wrap_angle(read - angles) ** 2).mean())))


def film_of(pictures: Pictures, seconds: float | None = DT) -> Video:
    return Video("swing.mp4", "Swing", pictures, seconds)


def write_images(folder: Path, pictures: Pictures, name: str = "frame{}.png") -> Path:
    folder.mkdir()
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / name.format(i))
    return folder


def write_gif(path: Path, pictures: Pictures, delays: int | list[int]) -> Path:
    first, *rest = (Image.fromarray(picture) for picture in pictures)
    first.save(path, save_all=True, append_images=rest, duration=delays, loop=0)
    return path


def encode_video(path: Path, pictures: Pictures, codec: str = "libx264", times: Array | None = None) -> Path:
    """Write a video of 20 frames per second, or with a frame at each of `times` in s."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=20)
        stream.height, stream.width = pictures.shape[1:]
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", Fraction(1, 1000)
        for i, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.stack([picture] * 3, axis=-1), format="rgb24")
            frame.time_base, frame.pts = Fraction(1, 1000), round(1000 * (DT * i if times is None else times[i]))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def steps(count: int = 24, height: int = 32, width: int = 48) -> Pictures:
    """Return pictures in which a dark block moves to the right, a pixel a frame."""
    pictures = np.full((count, height, width), 200, dtype=np.uint8)
    for i, picture in enumerate(pictures):
        picture[8:16, i : i + 8] = 20
    return pictures


# Reading --------------------------------------------------------------------------------------------------------------


def test_a_folder_of_images_is_read_in_natural_order_and_knows_no_time(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "the_swing", steps())
    (folder / "notes.txt").write_text("no picture")
    found = read_video(folder)
    np.testing.assert_array_equal(found.pictures, steps())
    assert (found.count, found.height, found.width, found.seconds) == (24, 32, 48, None)
    assert (found.title, found.path) == ("The swing", str(folder))
    np.testing.assert_array_equal(found.picture(10), steps()[10])


def test_images_are_grey_upright_and_white_where_they_are_clear(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "film", steps(20, 8, 8))
    colour = Image.new("RGBA", (8, 8), (0, 0, 255, 255))
    colour.putpixel((0, 0), (0, 0, 0, 0))
    colour.save(folder / "frame0.png")
    deep = np.full((8, 8), 30_000, dtype=np.uint16)
    Image.fromarray(deep).save(folder / "frame1.png")
    turned = Image.fromarray(np.tile(np.arange(8, dtype=np.uint8) * 30, (8, 1)))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise
    turned.save(folder / "frame2.png", exif=exif)
    found = read_video(folder)
    assert found.picture(0)[0, 0] == 255
    assert found.picture(0)[1, 1] == pytest.approx(0.114 * 255, abs=1)
    assert found.picture(1)[4, 4] == pytest.approx(30_000 / 257, abs=1)
    assert (np.diff(found.picture(2).astype(int), axis=0) == 30).all()


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")])
def test_a_video_is_read_with_its_times(tmp_path: Path, name: str, codec: str) -> None:
    found = read_video(encode_video(tmp_path / name, steps(), codec))
    assert found.pictures.shape == steps().shape
    assert found.seconds == pytest.approx(DT, rel=1e-3)
    assert np.abs(found.pictures.astype(int) - steps()).mean() < 4


def test_a_video_is_shown_as_the_camera_was_held(tmp_path: Path) -> None:
    path = encode_video(tmp_path / "a.mp4", steps())
    upright = read_video(path).pictures
    whole = path.read_bytes()
    identity = b"".join(n.to_bytes(4, "big") for n in (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30))
    quarter = b"".join(n.to_bytes(4, "big") for n in (0, 1 << 16, 0, 2**32 - (1 << 16), 0, 0, 32 << 16, 0, 1 << 30))
    at = whole.index(identity, whole.index(b"tkhd"))
    path.write_bytes(whole[:at] + quarter + whole[at + len(identity) :])
    np.testing.assert_array_equal(read_video(path).pictures, np.rot90(upright, -1, axes=(1, 2)))


def test_a_gif_is_read_with_the_mean_of_its_delays(tmp_path: Path) -> None:
    found = read_video(write_gif(tmp_path / "a.gif", steps(), [30, 30, 40] * 8))
    np.testing.assert_array_equal(found.pictures, steps())
    assert found.seconds == pytest.approx(0.1 / 3, rel=0.02)


def test_frames_that_are_held_are_not_repeated(tmp_path: Path) -> None:
    held = np.array([1, 3, 1, 2] + [1] * 20)
    begun = np.concatenate([[0], np.cumsum(held[:-1])])
    gif = read_video(write_gif(tmp_path / "a.gif", steps(), [40 * int(n) for n in held]))
    video = read_video(encode_video(tmp_path / "a.mkv", steps(), times=0.04 * begun))
    for found in (gif, video):
        assert found.seconds == pytest.approx(0.04)
        np.testing.assert_array_equal(found.places, begun)
        assert np.abs(found.pictures.astype(int) - steps()).mean() < 4


def test_a_large_film_is_kept_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip, "LARGEST_FILM", 10_000)
    monkeypatch.setattr(clip, "SHORTEST_SIDE", 16)
    smooth = np.tile(np.linspace(0, 250, 48).astype(np.uint8), (24, 32, 1))
    for found in (
        read_video(write_images(tmp_path / "film", smooth)),
        read_video(encode_video(tmp_path / "a.mp4", smooth)),
    ):
        assert (found.reduced, found.height, found.width) == (2, 16, 24)
        assert np.abs(found.pictures - smooth.reshape(24, 16, 2, 24, 2).mean(axis=(2, 4))).mean() < 3


def test_who_hears_of_progress_can_end_the_reading(tmp_path: Path) -> None:
    heard: list[float] = []

    def stop(share: float) -> None:
        heard.append(share)
        if share > 0.5:
            raise KeyboardInterrupt

    for path in (
        write_images(tmp_path / "film", steps()),
        write_gif(tmp_path / "a.gif", steps(), 50),
        encode_video(tmp_path / "a.mp4", steps()),
    ):
        heard.clear()
        with pytest.raises(KeyboardInterrupt):
            read_video(path, stop)
        assert len(heard) == 13
        assert heard[0] == pytest.approx(1 / 24)


def broken(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield what is no film, and a word of what is said of it."""
    yield folder / "none.mp4", "does not exist"
    (folder / "empty").mkdir()
    yield folder / "empty", "holds no images"
    text = folder / "a.txt"
    text.write_text("angle")
    yield text, "is text, and no video"
    for name in ("noise.mp4", "noise.gif", "noise.mkv"):
        path = folder / name
        path.write_bytes(np.random.default_rng(2).bytes(2000))
        yield path, "cannot be read"
    cut = encode_video(folder / "cut.mp4", steps())
    cut.write_bytes(cut.read_bytes()[:1500])
    yield cut, "cannot be read"
    yield write_gif(folder / "short.gif", steps(7), 50), "holds 7 frames"
    still = folder / "still.png"
    Image.fromarray(steps(1)[0]).save(still)
    yield still, "is one picture"
    unlike = write_images(folder / "unlike", steps())
    Image.new("L", (9, 7)).save(unlike / "frame10.png")
    yield unlike, "frame10.png has 9 × 7 pixels where frame0.png has 48 × 32"
    torn = write_images(folder / "torn", steps())
    (torn / "frame3.png").write_bytes((torn / "frame3.png").read_bytes()[:60])
    yield torn, "frame3.png cannot be read"
    with av.open(str(folder / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 4096), dtype=np.float32), format="fltp", layout="mono")
        sound.sample_rate = 44100
        container.mux([*stream.encode(sound), *stream.encode()])
    yield folder / "sound.mp4", "holds no pictures"


def test_what_is_no_film_is_said_in_one_sentence(tmp_path: Path) -> None:
    for path, words in broken(tmp_path):
        with pytest.raises(RecordingError, match=words) as caught:
            read_video(path)
        assert path.name in str(caught.value)  # of a long message the path is cut in its middle
        assert "expected" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_film_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip, "LARGEST_FILM", 10_000)
    with pytest.raises(RecordingError, match="24 frames of 48 × 32 pixels"):
        read_video(encode_video(tmp_path / "a.mp4", steps()))


# Frames ---------------------------------------------------------------------------------------------------------------


def test_a_pixel_is_the_mean_of_what_it_covers() -> None:
    whole = extract_frames(film_of(steps()), Crop(3, 2, 24), size=8).frames
    means = steps()[:, 2:26, 3:27].reshape(24, 8, 3, 8, 3).mean(axis=(2, 4))
    assert np.abs(whole - (200 - means) * 242 / 180).max() <= 1
    uneven = extract_frames(film_of(steps()), Crop(0, 2, 30), size=8, last=20).frames  # 3.75 pixels make one
    assert uneven.sum(axis=(1, 2)) * (30 / 8) ** 2 / 242 == pytest.approx(64, rel=0.02)


@pytest.mark.parametrize("behind", ["light", "dark", "shaded", "cluttered"])
def test_what_moves_is_bright_and_all_else_dark(behind: str) -> None:
    cover = drawn(swing(0.5), size=84)
    x = np.linspace(0, 1, 84)
    scene, tone = np.ones((84, 84)), 0.1
    if behind == "dark":
        scene, tone = 0.1 * scene, 0.7
    elif behind == "shaded":
        scene = scene * (0.6 + 0.3 * x - 0.1 * x[:, None] ** 2)
    elif behind == "cluttered":
        scene = 0.6 + 0.1 * np.sign(np.sin(17 * x) * np.sin(11 * x[:, None]))
    pictures = grey(noisy(scene * (1 - cover) + tone * cover, 0.01))
    frames = extract_frames(film_of(pictures), Crop(0, 0, 84)).frames
    small = cover.reshape(30, 28, 3, 28, 3).mean(axis=(2, 4))
    assert frames[small == 0].mean() < 6
    assert np.percentile(frames[small > 0.9], 10) > 120
    assert 225 < np.median(frames.max(axis=(1, 2))) <= 255


def test_a_pendulum_that_hides_half_of_what_it_sweeps_is_still_told_from_the_wall() -> None:
    cover = drawn(swing(0.12), size=84, pivot=(0.5, 0.1), arm=0.6, bob=0.2)
    dark, bright = (
        extract_frames(film_of(grey(light)), Crop(0, 0, 84)).frames for light in (0.9 - 0.7 * cover, 0.7 * cover)
    )
    assert np.abs(dark.astype(int) - bright).max() <= 3
    assert dark[:, 19, 14].min() > 220  # the middle of the bob, which never moves out of the way


def test_who_knows_better_says_what_is_dark() -> None:
    light = extract_frames(film_of(steps()), Crop(0, 0, 32), dark=False).frames
    assert light[:, 20:].max() == 0
    assert light[5, 10, 10] == 0


def test_part_of_a_film_is_taken_and_its_time_step_kept_true() -> None:
    film = film_of(np.concatenate([steps(), steps()[::-1]]))
    part = extract_frames(film, Crop.whole(film), size=16, first=4, last=44, every=2)
    assert part.frames.shape == (21, 16, 16)
    assert part.dt == pytest.approx(2 * DT)
    assert (part.title, part.source) == ("Swing", "swing.mp4")
    assert extract_frames(film, Crop.whole(film), seconds=0.2, every=2).dt == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"crop": Crop(20, 0, 32)}, "square of 32 pixels from column 20, row 0 does not lie"),
        ({"crop": Crop(0, 0, 3)}, "does not lie"),
        ({"last": 24}, "Frames 0 to 24, every 1, are not in"),
        ({"first": 10}, "14 frames of swing.mp4 are too few"),
        ({"size": 400}, "Frames of 400 pixels a side"),
        ({"seconds": 0.0}, "0.0 s between frames"),
        ({"film": film_of(steps(), None)}, "does not say how far its frames are apart: state"),
        ({"film": film_of(np.repeat(steps(1), 30, axis=0))}, "shows no motion"),
        ({"film": film_of(grey(noisy(np.full((30, 32, 48), 0.5), 0.1)))}, "shows no motion"),
        ({"film": film_of(np.broadcast_to(steps(1), (20_001, 32, 48)))}, "20,001 frames of swing.mp4 are too many"),
    ],
)
def test_what_cannot_be_taken_is_said_in_one_sentence(changes: dict[str, Any], words: str) -> None:
    asked: dict[str, Any] = {"film": film_of(steps()), "crop": Crop(0, 0, 32), **changes}
    with pytest.raises(RecordingError, match=words) as caught:
        extract_frames(**asked)
    assert "\n" not in str(caught.value)


# Angles ---------------------------------------------------------------------------------------------------------------

FROM_ABOVE = {"pivot": (0.5, -0.2), "arm": 0.9, "bob": 0.08}


@pytest.mark.parametrize(
    ("start", "speed", "scene", "sigma", "limit"),
    [
        (0.2, 0.0, {}, 0.0, 0.5),
        (0.2, 0.0, {}, 0.1, 2.0),
        (0.0, 9.0, {}, 0.1, 1.0),
        (0.3, 0.0, FROM_ABOVE, 0.1, 1.0),
    ],
    ids=["small", "small and noisy", "full turns", "pivot out of sight"],
)
def test_the_angle_is_read_as_it_was(
    start: float, speed: float, scene: dict[str, Any], sigma: float, limit: float
) -> None:
    angles = swing(start, speed)
    light = drawn(angles, **scene)
    frames = grey(noisy(light, sigma))
    reader = AngleReader.of(frames)
    read = reader.read(frames)
    assert degrees_off(read, angles) < limit
    assert np.abs(read - angles).max() < 0.2  # whole turns too
    x, y = scene.get("pivot", (0.5, 0.5))
    assert math.dist(reader.pivot, (28 * x - 0.5, 28 * y - 0.5)) < 3
    faint = 0.2 * (light[:, :-1] + light[:, 1:])[:, :, 1:]  # blurred downwards, and dim
    faint = np.pad(faint, ((0, 0), (0, 1), (1, 0)))
    assert degrees_off(reader.read(faint), angles) < limit + 3


@pytest.fixture(scope="module")
def reader() -> AngleReader:
    """Return what reads the angle from `drawn` pictures."""
    return AngleReader.of(grey(drawn(swing(1.0))))


def test_an_angle_is_not_read_from_nothing(reader: AngleReader) -> None:
    angles = swing(2.5)
    light = drawn(angles)
    noise = np.abs(noisy(np.zeros((5, 28, 28)), 0.1))
    for nothing in (np.zeros((5, 28, 28)), np.full((5, 28, 28), 0.4), noise, 0.003 * light[:5]):
        assert np.isnan(reader.read(nothing)).all()
    light[10:13] = 0
    read = reader.read(light)
    assert np.flatnonzero(np.isnan(read)).tolist() == [10, 11, 12]
    assert degrees_off(np.delete(read, [10, 11, 12]), np.delete(angles, [10, 11, 12])) < 1
    assert reader.read(light[:0]).shape == (0,)


def test_frames_without_motion_have_no_reader() -> None:
    with pytest.raises(RecordingError, match="shows no motion"):
        AngleReader.of(grey(np.repeat(drawn(np.zeros(1)), 30, axis=0)))


def test_who_hears_of_progress_can_end_the_search_for_the_pivot() -> None:
    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        as_recording(FrameSequence("Swing", "swing.mp4", grey(drawn(swing(0.5))), DT), stop)


def test_a_film_becomes_a_recording() -> None:
    angles = swing(1.0)
    light = drawn(angles)
    light[24] = 0  # out of sight for a moment: the longer part counts
    footage = FrameSequence("Swing", "swing.mp4", grey(light), DT)
    made = as_recording(footage)
    assert (made.title, made.source, made.kind, made.trials) == ("Swing", "swing.mp4", "angle", 1)
    assert made.velocity_estimated
    np.testing.assert_allclose(made.t, DT * np.arange(24))
    assert degrees_off(made.coords[:, 0], angles[:24]) < 0.5
    speed = np.gradient(angles, DT)[:24]
    assert np.sqrt(((made.coords[:, 1] - speed) ** 2).mean()) < 0.1 * np.abs(speed).max()
    assert made.frames is not None
    assert made.reader is not None
    np.testing.assert_array_equal(made.frames, footage.frames[:24])
    np.testing.assert_allclose(made.reader.read(made.frames), made.coords[:, 0])


def test_a_pendulum_that_keeps_leaving_the_picture_makes_no_recording(
    reader: AngleReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AngleReader, "of", lambda frames, progress: reader)
    light = drawn(swing(1.0))
    light[::8] = 0
    with pytest.raises(RecordingError, match="no more than 7 successive frames"):
        as_recording(FrameSequence("Swing", "swing.mp4", grey(light), DT))


# Sheets ---------------------------------------------------------------------------------------------------------------


def sheet(theme: str = "light", time: str = "t = 4.20 s · frame 84", **changes: Any) -> Pictures:
    frame = grey(drawn(np.array([0.4])))[0]
    hnn = Tile(**{"role": "pixel-hnn", "caption": "HNN", "picture": frame / 255, "note": "0.8° off", **changes})
    return side_by_side(
        [Tile("truth", "Truth", frame), Tile("baseline", "Baseline", frame, "12.3° off"), hnn], 360, theme, time
    )


def has(picture: Pictures, color: str) -> int:
    """Return how many pixels of a picture have a colour such as '#D55E00'."""
    return int((picture == [int(color[i : i + 2], 16) for i in (1, 3, 5)]).all(axis=-1).sum())


@pytest.mark.parametrize(("which", "theme"), [(0, "light"), (1, "dark")])
def test_a_sheet_shows_each_frame_with_its_mark_on_paper(which: int, theme: str) -> None:
    made = sheet(theme)
    assert made.shape[0] == 360
    assert made.dtype == np.uint8
    for role, least in (("paper", 80_000), ("truth", 80), ("baseline", 60), ("hnn", 80), ("ink", 100), ("muted", 100)):
        assert has(made, COLORS[role][which]) > least
    frame = np.kron(grey(drawn(np.array([0.4])))[0], np.ones((8, 8), dtype=np.uint8))
    for left in (18, 18 + 224 + 18, 18 + 2 * (224 + 18)):
        np.testing.assert_array_equal(made[18 : 18 + 224, left : left + 224], np.stack([frame] * 3, axis=-1))


def test_words_change_nothing_but_themselves() -> None:
    plain, other = sheet(), sheet(note="", caption="A Hamiltonian network of enormous size and patience", time="")
    assert plain.shape == other.shape
    changed = np.argwhere((plain != other).any(axis=-1))
    assert changed[:, 0].min() > 18 + 224
    assert other[:, 18 + 3 * 224 + 36 :].min() > 200  # the margin stays free of a caption that is too long
    digits = [sheet(time=f"t = {x} s") for x in ("1.11", "8.88")]
    moved = np.argwhere((digits[0] != digits[1]).any(axis=-1))
    assert moved[:, 1].max() < 80  # the unit stays where it is


# Writing --------------------------------------------------------------------------------------------------------------


def colored(count: int = 24, height: int = 41, width: int = 63) -> Pictures:
    """Return flat pictures in which an orange block moves over paper with a grey ramp on it."""
    pictures = np.empty((count, height, width, 3), dtype=np.uint8)
    pictures[:] = (250, 250, 248)
    pictures[:, 30:40] = np.linspace(0, 255, width)[:, None]
    for i, picture in enumerate(pictures):
        picture[4:20, i : i + 16] = (213, 94, 0)
    return pictures


@pytest.mark.parametrize(("name", "near"), [("a.gif", 3), ("a.mp4", 12)])
def test_a_film_is_read_back_as_it_was_written(tmp_path: Path, name: str, near: int) -> None:
    path, shares = tmp_path / name, list[float]()
    write_video(path, iter(colored()), 1 / 30, shares.append, 24)
    assert shares == pytest.approx(np.arange(1, 25) / 24)
    found = read_video(path)
    assert (found.count, found.seconds) == (24, pytest.approx(1 / 30, rel=0.02))
    assert (found.height, found.width) == ((41, 63) if name == "a.gif" else (42, 64))
    with av.open(str(path)) as container:
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(shown) == 24
    for at in ((12, 18), (2, 50), (35, 10), (35, 60)):
        assert np.abs(shown[10][at].astype(int) - colored()[10][at]).max() <= near
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_gif_keeps_all_its_colours_where_they_are_few_and_the_commonest_where_they_are_many(tmp_path: Path) -> None:
    few = colored(2, width=60)
    many = few.copy()
    many[:, :4] = np.random.default_rng(5).integers(0, 256, (2, 4, 60, 3))
    for pictures in (few, many):
        write_video(tmp_path / "a.gif", pictures, 0.1)
        with Image.open(tmp_path / "a.gif") as image:
            shown = np.asarray(image.convert("RGB"))
        np.testing.assert_array_equal(shown[4:], few[0, 4:])


def test_a_gif_leaves_pictures_out_rather_than_being_slowed_down(tmp_path: Path) -> None:
    write_video(tmp_path / "a.gif", colored(60), 1 / 120)
    with Image.open(tmp_path / "a.gif") as image:
        delays = [frame.info["duration"] for frame in ImageSequence.Iterator(image)]
        assert image.info["loop"] == 0
    assert len(delays) == 20
    assert set(delays) == {20, 30}
    assert sum(delays) == 500


def test_what_ends_the_writing_leaves_the_old_file_alone(tmp_path: Path) -> None:
    def stopped() -> Iterator[Pictures]:
        yield from colored(5)
        raise KeyboardInterrupt

    for name in ("a.gif", "a.mp4"):
        (tmp_path / name).write_text("old")
        with pytest.raises(KeyboardInterrupt):
            write_video(tmp_path / name, stopped(), DT)
        with pytest.raises(RecordError, match="would hold no picture"):
            write_video(tmp_path / name, [], DT)
        assert (tmp_path / name).read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2


def test_what_cannot_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    def untouched() -> Iterator[Pictures]:
        raise AssertionError
        yield

    for place, seconds, words in (
        (tmp_path / "a.avi", DT, "expected a name that ends in .gif or .mp4"),
        (tmp_path / "none" / "a.gif", DT, "cannot be written"),
        (tmp_path, DT, "expected a name"),
        (tmp_path / "a.mp4", 0.0, "is no time step"),
    ):
        with pytest.raises(RecordError, match=words):
            write_video(place, untouched(), seconds)
