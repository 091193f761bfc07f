"""Tries files that are small or claim much, and says what it cost: CPU seconds of each, and the most memory of all.

    python -m tests.reliability.cheap_child FOLDER

Each line of stdout is a JSON list: name, seconds, and what was said of it; the last one is the peak of memory in MB.
"""

import json
import os
import struct
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from hnn_engine.errors import HnnLabError
from hnn_engine.recordings import Columns, inspect_table, read_recording
from hnn_engine.video import clip, read_video
from tests.reliability.damage_films import SIDE, encode_video

Case = tuple[str, Callable[[], object]]


def tables(folder: Path) -> Iterator[Case]:
    """Yield tables that are refused."""

    def table(name: str, *parts: bytes, columns: Columns | None = None) -> Case:
        path = folder / name
        with path.open("wb") as file:
            for part in parts:
                file.write(part)
        return name, lambda: (inspect_table(path), read_recording(path, columns))

    rows = b"".join(b"%d,%d,0.5,0.25\n" % (i // 2, i) for i in range(400_000))
    yield table("60000 columns.csv", *[b",".join([b"0.5"] * 60_000) + b"\n"] * 5)
    yield table("60000 words.csv", *[b" ".join([b"word"] * 60_000) + b"\n"] * 5, b"1,2\n" * 9)
    yield table("a line of 60 MB.csv", b"0,1\n" * 9, b"1," * (30 * 2**20), b"\n")
    yield table("a number of 60 MB.csv", b"7" * (60 * 2**20))
    yield table("a late line of 2 MB.csv", b"0,1\n" * 10**6, b"x" * 2_000_000)
    yield table("200000 trials.csv", rows, columns=Columns(1, 2, 3, 0))
    yield table("blank lines.csv", b"\n" * (60 * 2**20))
    yield table("too many rows.csv", b"0,1\n" * 2_000_001)
    yield table("no numbers.csv", b"word;" * 150 + b"\n", b"word;word\n" * 10**6)
    yield table("zeros.csv", b"\0" * (60 * 2**20))
    yield table("one quote.csv", b'"0,1\n' * 200_000)
    sparse = table("sparse.csv", b"0,1\n")
    os.truncate(folder / "sparse.csv", 10**12)
    yield sparse


def strange(folder: Path) -> Iterator[Case]:
    """Yield what is no ordinary file."""
    os.mkfifo(folder / "pipe.csv")
    os.mkfifo(folder / "pipe.mp4")
    os.mkfifo(folder / "pipe.gif")
    (folder / "with a pipe").mkdir()
    os.mkfifo(folder / "with a pipe" / "frame0.png")
    yield "a pipe", lambda: read_recording(folder / "pipe.csv")
    yield "a pipe as a video", lambda: read_video(folder / "pipe.mp4")
    yield "a pipe as a GIF", lambda: read_video(folder / "pipe.gif")
    yield "a pipe as a picture", lambda: read_video(folder / "with a pipe")
    for device in ("/dev/zero", "/dev/stdin", "/dev/null"):
        yield device, lambda device=device: read_recording(device)  # type: ignore[misc]


def pictures(folder: Path) -> Iterator[Case]:
    """Yield pictures and films that claim to be larger than they may be."""

    def claims(name: str, raw: bytes) -> Case:
        path = folder / name
        path.write_bytes(raw)
        return name, lambda: read_video(path)

    def alone(name: str, raw: bytes) -> Case:
        path = folder / f"folder of {name}"
        path.mkdir()
        (path / name).write_bytes(raw)
        return path.name, lambda: read_video(path)

    side = 100_000
    png = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    png += _chunk(b"IDAT", zlib.compress(b"\0" * 10**6)) + _chunk(b"IEND", b"")
    gif = b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0)
    gif += (b"," + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x02\x01\x44\x00") * 30 + b";"
    bmp = (
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 10**6, 0, 0, 54, 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0) + b"\0" * 999
    )
    small = b"," + struct.pack("<HHHHB", 0, 0, 8, 8, 0) + b"\x02\x01\x44\x00"
    yield from (alone("a.png", png), alone("a.gif", gif), alone("a.bmp", bmp))
    yield claims("a.png", png)
    yield claims("a.gif", gif)
    yield claims("growing.gif", b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0, 0, 0) + gif[13:])
    yield claims("zeros.gif", gif[:13] + b"\0" * (60 * 2**20))
    yield claims("many.gif", gif[:6] + struct.pack("<HHBBB", 8, 8, 0, 0, 0) + small * 10**5)
    tags = b"".join(struct.pack("<HHII", tag, 4, 1, n) for tag, n in ((256, side), (257, side), (258, 8), (273, 8)))
    yield claims("a.tif", b"II*\0\x08\0\0\0" + struct.pack("<H", 4) + tags + b"\0" * 4)
    loop = b"".join(struct.pack("<HI", 0, 8 + 6 * (i + 1)) for i in range(10**6))
    yield claims("many.tif", b"II*\0\x08\0\0\0" + loop)
    webp = b"WEBPVP8X\x0a\0\0\0\x02\0\0\0" + (side - 1).to_bytes(3, "little") * 2 + b"ANIM\x06\0\0\0" + b"\0" * 6
    yield claims("a.webp", b"RIFF" + struct.pack("<I", len(webp)) + webp)
    many = folder / "many pictures"
    many.mkdir()
    clip.MOST_STORED, before = 500, clip.MOST_STORED  # 50 000 files take seconds to write
    for i in range(600):
        (many / f"{i}.png").touch()
    yield many.name, lambda: read_video(many)
    clip.MOST_STORED = before


def videos(folder: Path) -> Iterator[Case]:
    """Yield videos whose headers claim another size; some codecs know better than the header, and those are read."""
    for name, codec in (("raw.avi", "rawvideo"), ("swing.avi", "mpeg4"), ("swing.mp4", "libx264")):
        path = encode_video(folder / f"huge {name}", codec)
        if path is not None:
            layout = "<II" if path.suffix == ".avi" else ">HH"
            small, huge = struct.pack(layout, SIDE, SIDE), struct.pack(layout, 60_000, 60_000)
            raw = path.read_bytes()
            assert small in raw, name
            path.write_bytes(raw.replace(small, huge))
            yield path.name, lambda path=path: read_video(path)  # type: ignore[misc]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def main(folder: Path) -> None:
    """Try all."""
    for cases in (strange, tables, pictures, videos):
        for name, read in cases(folder):
            began = time.process_time()
            try:
                read()
                said = ""
            except HnnLabError as error:
                said = str(error)
            print(json.dumps([name, time.process_time() - began, said]), flush=True)
    print(json.dumps(peak_mb()), flush=True)


def peak_mb() -> float:
    """Return the most memory that was held, as Linux counts it for this program alone; getrusage begins with what the
    process had that started this one."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]))
