"""Lines cut at the edges of a plot, beside a fine walk along them."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PySide6.QtCore import QRectF

from app.widgets.line_clip import clipped

AREA = QRectF(-1.0, -2.0, 3.0, 4.0)
LINES = arrays(
    np.float64, st.tuples(st.integers(2, 8), st.just(2)), elements=st.floats(-5, 5).map(lambda x: round(x, 1))
)


def length(line: npt.NDArray[np.float64]) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def inside(points: npt.NDArray[np.float64], slack: float = 1e-9) -> npt.NDArray[np.bool_]:
    x, y = points.T
    across = (x >= AREA.left() - slack) & (x <= AREA.right() + slack)
    return np.asarray(across & (y >= AREA.top() - slack) & (y <= AREA.bottom() + slack))


@given(LINES)
def test_what_is_inside_stays_and_nothing_else(line: npt.NDArray[np.float64]) -> None:
    parts = clipped(line, AREA)
    assert all(inside(part).all() for part in parts)
    shares = np.linspace(0, 1, 2001)[:, None]
    walk = np.concatenate([a + shares * (b - a) for a, b in pairwise(line)])
    steps = np.hypot(*np.diff(walk, axis=0).T)
    middle = (walk[1:] + walk[:-1]) / 2
    expected = float(steps[inside(middle)].sum())
    assert abs(sum(map(length, parts)) - expected) <= 0.03 * len(line)


def test_a_line_inside_is_one_line() -> None:
    line = np.array([[0.0, 0.0], [1.0, 1.0], [0.5, -1.0]])
    (part,) = clipped(line, AREA)
    np.testing.assert_array_equal(part, line)
    assert clipped(line[:1], AREA) == []
    there_and_back = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    first, second = clipped(there_and_back, AREA)
    np.testing.assert_allclose(first, [[0, 0], [2, 0]])
    np.testing.assert_allclose(second, [[2, 0], [0, 0], [0, 1]])
