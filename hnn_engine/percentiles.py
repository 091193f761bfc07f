"""Percentiles by sorting: numpy's own load its masked arrays at the first call, an eighth of the first paint's time."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def percentiles(values: npt.ArrayLike, shares: Sequence[float]) -> list[float]:
    """Return the percentiles `shares`, each of 0 to 100, of `values` of any shape, linear between the sorted values.

    NaN where there are no values, or one of them is NaN.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64), axis=None)
    if not len(ordered) or np.isnan(ordered[-1]):  # which are sorted last
        return [float("nan")] * len(shares)
    at = (len(ordered) - 1) / 100.0 * np.asarray(shares, dtype=np.float64)
    return [float(x) for x in np.interp(at, np.arange(len(ordered)), ordered)]


def percentile(values: npt.ArrayLike, share: float) -> float:
    """Return one percentile of `values`, as `percentiles` does."""
    return percentiles(values, (share,))[0]
