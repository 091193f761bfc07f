"""How a picture is turned and mirrored before it is shown, as the display matrix of a video says."""

import struct
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Pictures = npt.NDArray[np.uint8]

MATRIX = struct.Struct("=9i")  # a b u c d v x y w, as FFmpeg hands them over
SKEWED = 0.02  # tangent of the angle by which a picture may be shown aslant and count as upright


class Orientation(NamedTuple):
    """How a stored picture becomes the one that is shown: rows and columns change places where it is `transposed`;
    then its columns are mirrored, and its rows. `aslant`: it would have to be turned by less than a right angle too.
    """

    transposed: bool = False
    mirrored_columns: bool = False
    mirrored_rows: bool = False
    aslant: bool = False

    @property
    def mirrored(self) -> bool:
        """Whether left and right change places: no rotation does that."""
        return self.transposed ^ self.mirrored_columns ^ self.mirrored_rows

    @property
    def rotation(self) -> int:
        """By how many degrees it is turned clockwise, after it has been mirrored left to right where it is."""
        if self.transposed:
            return 90 if self.mirrored_columns else 270
        return 180 if self.mirrored_rows else 0

    def shown(self, picture: Pictures) -> Pictures:
        """Return the stored `picture` `(height, width)` as it is shown."""
        turned = picture.T if self.transposed else picture
        turned = turned[:, ::-1] if self.mirrored_columns else turned
        return np.ascontiguousarray(turned[::-1] if self.mirrored_rows else turned)


UPRIGHT = Orientation()


def orientation(matrix: bytes) -> Orientation:
    """Return the orientation that a display matrix of nine 32-bit numbers stands for.

    The pixel at (x, y) is shown at (a x + c y, b x + d y), y downward, moved into view. Other angles than right ones
    are taken for the nearest of these. Source: ISO/IEC 14496-12, 6.2.2.
    """
    if len(matrix) != MATRIX.size:
        return UPRIGHT
    a, b, _, c, d, *_ = (float(n) for n in MATRIX.unpack(matrix))
    straight, across = abs(a) + abs(d), abs(b) + abs(c)
    if straight + across == 0:
        return UPRIGHT
    aslant = min(straight, across) > SKEWED * max(straight, across)
    if straight >= across:
        return Orientation(False, a < 0, d < 0, aslant)
    return Orientation(True, c < 0, b < 0, aslant)
