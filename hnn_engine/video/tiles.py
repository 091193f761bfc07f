"""Small grey frames side by side in one picture, each with whose it is and how it does, over a line of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from hnn_engine.missing_libraries import explained
from hnn_engine.model_colors import COLORS, role_colors, role_dash
from hnn_engine.video.clip import Pictures
from hnn_engine.video.text import LEADING, shortened, write

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

# Parts of the whole height.
MARGIN, GAP = 0.05, 0.05
CAPTION, NOTE, TIME = 0.06, 0.052, 0.05  # sizes of letters
MARK, STROKE = 0.08, 0.011  # length and width of the stroke before a caption
DASHED = 26.0  # units of a dash in that length: the strokes of most models end with it
EVEN = 0.95  # part of the room that a frame may leave for its pixels to be whole ones of the sheet
SMALLEST = 120  # px of height in which words can still be read


@dataclass(frozen=True, eq=False)
class Tile:
    """A frame: its `picture` `(h, w)`, uint8 or 0 to 1, and `role`, 'truth', a model or a run ('hnn/1'), which colours
    its mark.

    `caption` says whose frame it is, `note` how it does: '12.3° off'.
    """

    role: str
    caption: str
    picture: npt.NDArray[np.generic]
    note: str = ""


class _Layout(NamedTuple):
    """Lengths in px: of margins, gaps, a frame, and all of the sheet."""

    margin: int
    gap: int
    width: int
    height: int
    whole: tuple[int, int]


@explained
def side_by_side(
    tiles: Sequence[Tile], height_px: int = 360, theme: Literal["light", "dark"] = "light", time: str = ""
) -> Pictures:
    """Return one picture `(height_px, W, 3)` of `tiles` in a row, with `time`, 't = 4.20 s · frame 84', below them.

    A frame's pixels stay squares. W follows from the height and from the number and shape of the frames, never from the
    words, so that all pictures of a film are alike; words that find no room end in '…'. `height_px` is 120 at least.
    """
    from PIL import Image, ImageDraw

    assert tiles
    assert height_px >= SMALLEST
    dark = theme == "dark"
    look = {name: pair[dark] for name, pair in COLORS.items()}
    layout = _layout(len(tiles), height_px, tiles[0].picture.shape)
    sheet = Image.new("RGB", layout.whole, look["paper"])
    draw = ImageDraw.Draw(sheet)
    for i, tile in enumerate(tiles):
        left = layout.margin + i * (layout.width + layout.gap)
        sheet.paste(_enlarged(Image.fromarray(_grey(tile.picture)), layout.width, layout.height), (left, layout.margin))
        _write_words(draw, left, layout, tile, look, dark)
    room = layout.whole[0] - 2 * layout.margin
    size = TIME * height_px
    top = height_px - layout.margin - (LEADING + 1) / 2 * size  # so that the letters stand on the margin
    write(draw, layout.margin, top, shortened(time, size, room), size, look["muted"])
    return np.asarray(sheet)


def _layout(count: int, height_px: int, shape: tuple[int, ...]) -> _Layout:
    """Return where things are: frames as large as the words below them let them be."""
    margin, gap = round(MARGIN * height_px), round(GAP * height_px)
    words = LEADING * (CAPTION + NOTE + TIME) * height_px + gap
    height = int(height_px - 2 * margin - words)
    even = height // shape[0] * shape[0]
    height = even if even > EVEN * height else height
    width = round(height * shape[1] / shape[0])
    return _Layout(margin, gap, width, height, (2 * margin + count * width + (count - 1) * gap, height_px))


def _enlarged(frame: "Image", width: int, height: int) -> "Image":
    """Return a frame in another size with its pixels as squares, all alike: their rims are soft if they must be."""
    from PIL.Image import Resampling

    times = -(-height // frame.height)
    squares = frame.resize((times * frame.width, times * frame.height), Resampling.NEAREST)
    if squares.size == (width, height):
        return squares
    return squares.resize((width, height), Resampling.BOX)


def _write_words(draw: "ImageDraw", left: int, layout: _Layout, tile: Tile, look: dict[str, str], dark: bool) -> None:
    """Write a tile's mark, caption and note below its frame."""
    whole = layout.whole[1]
    top, mark = layout.margin + layout.height + layout.gap / 3, MARK * whole
    color = role_colors(tile.role)[dark]
    _draw_mark(draw, left, top + LEADING * CAPTION * whole / 2, whole, tile.role, color)
    inset = mark + 0.4 * CAPTION * whole
    caption = shortened(tile.caption, CAPTION * whole, layout.width - inset)
    write(draw, left + inset, top, caption, CAPTION * whole, look["ink"])
    note = shortened(tile.note, NOTE * whole, layout.width)
    write(draw, left, top + LEADING * CAPTION * whole, note, NOTE * whole, look["muted"])


def _draw_mark(draw: "ImageDraw", left: int, middle: float, whole: int, role: str, color: str) -> None:
    """Draw a stroke in a model's colour and dashes, on even rows: a video keeps one colour for two of them."""
    end, width = left + round(MARK * whole), 2 * max(1, round(STROKE * whole / 2))
    dashes = role_dash(role) or (1e9,)
    scale = MARK * whole / max(DASHED, sum(role_dash(role)))
    at, i, top = float(left), 0, 2 * round((middle - width / 2) / 2)
    while at < end:
        stop = min(at + dashes[i % len(dashes)] * scale, end)
        if i % 2 == 0:
            draw.rectangle((round(at), top, round(stop) - 1, top + width - 1), fill=color)
        at, i = stop, i + 1


def _grey(picture: npt.NDArray[np.generic]) -> Pictures:
    if picture.dtype == np.uint8:
        return np.ascontiguousarray(picture, dtype=np.uint8)
    light = np.asarray(picture, dtype=np.float64).clip(0, 1)
    return np.asarray(np.rint(255 * light), dtype=np.uint8)
