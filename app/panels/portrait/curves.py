"""The rollouts in the phase portrait: a line each, a head at the present instant with its name, a cross at its end."""

import math

import numpy as np
from PySide6.QtCore import QRectF

from app.model.rollout_messages import Answer, RolloutCurve
from app.panels.portrait.projection import Chart, joins
from app.widgets.plot import Curve, LabPlot, Marker, Tag, head_shape
from hnn_engine.coords import Array
from hnn_engine.model_colors import role_dash

FAR = 40.0  # a rollout is drawn no further than this many times the shown range


class PortraitCurves:
    """Draws rollouts into `plot`. `items` are line, head, cross and name of each by its key."""

    def __init__(self, plot: LabPlot) -> None:
        self._plot = plot
        self.items: dict[str, tuple[Curve, Marker, Marker, Tag]] = {}
        self.measured = plot.dots("truth", size=4.0, alpha=230, z=10)
        self._drawn_as: dict[str, tuple[str, int]] = {}  # role of each curve, and which repetition of its fit it is

    def draw(self, answer: Answer | None, chart: Chart, latents: bool, until: float = math.inf) -> None:
        """Draw the rollouts of `answer`, up to `until` s, as `chart` lays them, which shows `latents` or not."""
        tracks = tracks_of(answer)
        if not any(track.measured for track in tracks):
            self.measured.set_data([], [])
        before, self._drawn_as = self._drawn_as, {t.key: (t.role, t.member) for t in tracks}
        for key in [key for key in self.items if self._drawn_as.get(key) != before.get(key)]:
            for item in self.items.pop(key):
                self._plot.discard(item)
        for track in tracks:
            assert answer is not None
            self._draw(track, self._drawable(chart.track(answer, track)), chart, latents, until)

    def _draw(self, track: RolloutCurve, at: Array, chart: Chart, latents: bool, until: float) -> None:
        plot = self._plot
        whole, at = len(at), at[: int(np.searchsorted(track.t, until, side="right"))]
        if track.key not in self.items:
            truth = track.key == "truth"
            alpha, z = (70, 8.0) if track.member else (255, 10.0 if truth else 12.0)
            line = plot.curve(track.role, role_dash(track.role), 1.0, alpha, z)
            line.pointable = True
            head = plot.marker(track.role, head_shape(track.role), 11.0 if truth else 10.0)
            self.items[track.key] = (line, head, plot.marker(track.role, "cross", 9.0), plot.tag(track.role))
        line, _, cross, _ = self.items[track.key]
        if track.measured and not latents:
            line.set_data([], [])
            self.measured.set_data(at[:, 0], at[:, 1])  # dots, not a line: the states between them are unknown
        else:
            line.set_data(at[:, 0], at[:, 1], joins(at, chart.periods))
        if np.isfinite(track.ended) and 0 < len(at) == whole:
            cross.place(*at[-1])
        else:
            cross.set_visible(False)

    def _drawable(self, at: Array) -> Array:
        """Those of the positions `at` `(T, 2)` that can be drawn: up to the first that is not finite or far outside."""
        (x0, x1), (y0, y1) = self._plot.ranges
        reach = FAR * max(x1 - x0, y1 - y0)
        with np.errstate(invalid="ignore"):
            good = (np.abs(at) < reach).all(axis=-1)
        return at if good.all() else at[: int(np.argmin(good))]

    def place_head(self, track: RolloutCurve, at: Array | None) -> None:
        """Put the head of `track` and its name at `at` `(2,)`; hide them where there is no such place."""
        _, head, _, tag = self.items[track.key]
        if at is None or not np.isfinite(at).all():
            head.set_visible(False)
            tag.hide()
            return
        head.place(*at)
        if track.key != "truth":
            tag.place(track.title, *at)

    def part_names(self) -> None:
        """Leave out the names that would lie over another one."""
        taken: list[QRectF] = []
        for *_, tag in self.items.values():
            if any(tag.area.intersects(place) for place in taken):
                tag.hide()
            elif not tag.area.isEmpty():
                taken.append(tag.area)


def tracks_of(answer: Answer | None) -> list[RolloutCurve]:
    """Return the rollouts of `answer`, truth first."""
    if answer is None:
        return []
    truth = [answer.truth] if answer.truth is not None else []
    return [*truth, *answer.models]
