"""What a file is by its first bytes: text, one of the films that are read, or neither.

Text is decided first, and everything else by a mark of its own: what FFmpeg makes of an unmarked file is never asked,
for it takes plain text for a video, and some text for a list of files to open.
"""

import os
from pathlib import Path
from typing import NamedTuple

from hnn_engine.regular_files import opened

HEAD = 8192  # bytes that tell
_CONTROL = bytes([*range(9), *range(14, 32)])  # a text has tabs, feeds and line ends, and no others
_WIDE_TEXT = (b"\xff\xfe", b"\xfe\xff")  # UTF-16 with its mark
_PACKETS = 5  # of a transport stream that must follow each other
_PACKET_SIZES = (188, 192, 204)  # as broadcast, as camcorders write it, and with its checks
_AVIF = {b"avif", b"avis"}
_STILLS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}  # pictures in boxes as MP4 has
_BOXES = {b"ftyp", b"styp", b"moov", b"mdat", b"moof", b"free", b"skip", b"wide", b"pnot", b"junk"}


class FilmFormat(NamedTuple):
    """A kind of film: its `name`, and who decodes it, a `demuxer` of FFmpeg, or Pillow where that is empty."""

    name: str
    demuxer: str = ""

    @property
    def raw(self) -> bool:
        """Whether there is no container, and with it no time stamp."""
        return self.demuxer in ("h264", "hevc", "m4v", "mpegvideo")


MP4, MOV, WEBM = FilmFormat("mp4", "mov"), FilmFormat("mov", "mov"), FilmFormat("webm", "matroska")
_MARKS: tuple[tuple[int, bytes, FilmFormat], ...] = (
    (0, b"GIF87a", FilmFormat("gif")),
    (0, b"GIF89a", FilmFormat("gif")),
    (0, b"\x89PNG\r\n\x1a\n", FilmFormat("png")),
    (0, b"\xff\xd8\xff", FilmFormat("jpeg")),
    (0, b"BM", FilmFormat("bmp")),
    (0, b"II*\0", FilmFormat("tiff")),
    (0, b"MM\0*", FilmFormat("tiff")),
    (0, b"II+\0", FilmFormat("tiff")),
    (0, b"MM\0+", FilmFormat("tiff")),
    (8, b"WEBP", FilmFormat("webp")),
    (8, b"AVI ", FilmFormat("avi", "avi")),
    (8, b"AVIX", FilmFormat("avi", "avi")),
    (0, b"\x1a\x45\xdf\xa3", FilmFormat("matroska", "matroska")),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", FilmFormat("asf", "asf")),
    (0, b"FLV\x01", FilmFormat("flv", "flv")),
    (0, b"OggS\0", FilmFormat("ogg", "ogg")),
    (0, b"DKIF\0\0", FilmFormat("ivf", "ivf")),
    (0, b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01", FilmFormat("mxf", "mxf")),
    (0, b"\x1f\x07\x00", FilmFormat("dv", "dv")),
)
DEMUXERS = (*dict.fromkeys(f.demuxer for *_, f in _MARKS if f.demuxer), "mov", "mpegts", "mpeg")
RAW_DEMUXERS = ("h264", "hevc", "m4v", "mpegvideo")


def head_of(path: str | os.PathLike[str]) -> bytes:
    """Return the first bytes of an ordinary file; raise `OSError`, or `ValueError` for a name that none can have."""
    with opened(Path(path)) as file:
        return file.read(HEAD)


def is_text(head: bytes) -> bool:
    """Whether a file that begins with `head` is text: nothing in it but letters, tabs and ends of lines."""
    return head.startswith(_WIDE_TEXT) or len(head.translate(None, _CONTROL)) == len(head)


def format_of(head: bytes) -> FilmFormat | None:
    """Return what kind of film begins with `head`; None for text, and for what is not known."""
    if is_text(head):
        return None
    for at, mark, found in _MARKS:
        if head[at : at + len(mark)] == mark and (at == 0 or head[:4] == b"RIFF"):
            return WEBM if found.name == "matroska" and b"webm" in head[:64] else found
    return _boxes(head) or _packets(head) or _stream(head)


def _boxes(head: bytes) -> FilmFormat | None:
    """Return what a file made of boxes is: a video, or pictures that are stored like one."""
    if head[4:8] not in _BOXES:
        return None
    if head[4:8] != b"ftyp":
        return MOV  # as QuickTime began
    end = min(len(head), max(16, int.from_bytes(head[:4], "big")))
    brands = {head[8:12], *(head[i : i + 4] for i in range(16, end - 3, 4))}
    if brands & _AVIF:
        return FilmFormat("avif")
    if head[8:12] in _STILLS:
        return None
    brand = head[8:12].decode("latin-1")
    return MOV if brand == "qt  " else FilmFormat("3gp", "mov") if brand.startswith("3g") else MP4


def _packets(head: bytes) -> FilmFormat | None:
    """Return a transport stream, if `head` is one: packets that begin with 0x47, the first perhaps cut off."""
    for size in _PACKET_SIZES:
        for first in range(min(size, len(head))):
            marks = head[first : first + _PACKETS * size : size]
            if marks == b"\x47" * _PACKETS:
                return FilmFormat("mpegts", "mpegts")
    return None


def _stream(head: bytes) -> FilmFormat | None:
    """Return a program stream or a bare stream of pictures by its first start code."""
    start = head.find(b"\0\0\1")
    if start < 0 or head[:start].strip(b"\0") or start + 5 > len(head):
        return None
    code, after = head[start + 3], head[start + 4]
    if code == 0xBA:
        return FilmFormat("mpeg", "mpeg")
    if code == 0xB3:
        return FilmFormat("mpegvideo", "mpegvideo")
    if code in (0xB0, 0xB5) or (code < 0x30 and head[start + 4 : start + 7] == b"\0\0\1"):
        return FilmFormat("m4v", "m4v")
    if (code & 0x9F == 7 and code & 0x60) or code == 9:  # a set of parameters, or a delimiter
        return FilmFormat("h264", "h264")
    if code >> 1 in (32, 33, 35) and not code & 1 and after == 1:
        return FilmFormat("hevc", "hevc")
    return None
