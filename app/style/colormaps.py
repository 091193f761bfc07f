"""The colour table of maps, of 256 entries: perceptually even, readable by colour-blind people."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from app.style.theme import Theme

Table = npt.NDArray[np.uint8]
_SIZE = 256

# Björn Ottosson's OKLab (2020): linear sRGB -> cone responses, and their cube roots -> Lab.
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


# Ends of the diverging table, for light and dark paper: equally far from it in lightness and in colour, and mild
# enough that lines and dots stand out on them. Violet and olive tell apart for every kind of colour blindness, and no
# model wears them.
_ENDS = {False: ("#A58BDB", "#BDAA35"), True: ("#8163C8", "#9A8708")}


@lru_cache(maxsize=4)
def diverging(theme: Theme) -> Table:
    """Return violet – paper – olive as RGBA, `(256, 4)`, for differences; the paper's tone stands at zero."""
    low, high = _ENDS[theme.dark]
    left, middle, right = (_to_lab(c) for c in (low, theme.paper, high))
    half = np.linspace(0.0, 1.0, _SIZE // 2)[:, None]
    lab = np.vstack([left + (middle - left) * half, middle + (right - middle) * half])
    rgb = np.round(255 * _from_lab(lab)).astype(np.uint8)
    return np.hstack([rgb, np.full((_SIZE, 1), 255, dtype=np.uint8)])


# Of the sequential table likewise, by way of a middle that differs in hue too: what is small is told from what is
# large in grey, and by those who see no red or no green.
_MIDDLES = {False: "#E3B79B", True: "#6E4A3C"}
_TOPS = {False: "#8A5CB8", True: "#C29BF0"}


@lru_cache(maxsize=4)
def sequential(theme: Theme) -> Table:
    """Return paper – sand – violet as RGBA, `(256, 4)`, for sizes; the paper's tone stands for the smallest. Lightness
    changes evenly."""
    low, middle, high = (_to_lab(c) for c in (theme.paper, _MIDDLES[theme.dark], _TOPS[theme.dark]))
    share = np.linspace(0.0, 1.0, _SIZE)[:, None]
    bend = (middle[0] - low[0]) / (high[0] - low[0])  # where the middle's lightness stands on the even way
    lab = np.where(
        share < bend, low + (middle - low) * share / bend, middle + (high - middle) * (share - bend) / (1 - bend)
    )
    rgb = np.round(255 * _from_lab(lab)).astype(np.uint8)
    return np.hstack([rgb, np.full((_SIZE, 1), 255, dtype=np.uint8)])


def _to_lab(color: str) -> npt.NDArray[np.float64]:
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lab: npt.NDArray[np.float64] = _LAB @ np.cbrt(_CONES @ linear)
    return lab


def _from_lab(lab: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    linear = np.clip((lab @ np.linalg.inv(_LAB).T) ** 3 @ np.linalg.inv(_CONES).T, 0.0, 1.0)
    rgb: npt.NDArray[np.float64] = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.clip(rgb, 0.0, 1.0)
