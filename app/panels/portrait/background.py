"""What lies behind the rollouts of the phase portrait: arrows, contours, the map of a comparison, and its key."""

from typing import Any

import numpy as np
import numpy.typing as npt

from app.model.document import View
from app.panels.portrait.landmarks import Landmarks
from app.widgets.map_key import MapKey
from app.widgets.plot import Curve, LabPlot, Layer, Segments
from app.widgets.quiver import arrow_lines
from hnn_engine.number_format import number, percent
from hnn_engine.phase_portrait import NO_CONTOURS, Contours, EnergyGap, PortraitField, color_limit

COMPARE_TIP = """Compare a learned H with the true one
Lines: contours of the true H in grey, of the model's Ĥ in its colour, at the same energies.
Colours: Ĥ − H − c. An energy is known up to a constant; c is the median of Ĥ − H over the training data.
Hatched: no training data nearby.
With several models: the one chosen beside the key, or else that of "Field of", or else the first with an H; the key
always names it.
With several degrees of freedom the plane is a slice through the start."""


class PortraitBackground:
    """Draws a `PortraitField` into `plot`, and says in `key` what the map means."""

    def __init__(self, plot: LabPlot) -> None:
        self._plot = plot
        self.key = MapKey()
        self.map = plot.plane_map(z=-50)
        self.arrows = plot.segments("field", z=-30, alpha=190)
        self.contours = plot.curve("field", z=-40, alpha=150, layer=Layer.BACKGROUND)
        self.own_contours = plot.curve("field", z=-39, layer=Layer.BACKGROUND)
        self.landmarks = Landmarks(plot)
        self._drawn: dict[Curve | Segments, tuple[npt.NDArray[Any], ...]] = {}  # what arrows and contours show
        self._compared = ""  # the role in whose colour its contours are

    def sync(self, view: View) -> None:
        """Show and hide what the view says."""
        self.arrows.set_visible(view.arrows)
        self.contours.set_visible(view.contours)
        self.landmarks.set_visible(view.contours)
        self.own_contours.set_visible(view.contours and view.compare)
        self.map.set_visible(view.compare)
        self.key.setVisible(view.compare)

    def show_field(self, field: PortraitField | None, compared: str) -> None:
        """Draw arrows and contours, those that are not there already; of Ĥ in the colour of the role `compared`."""
        gap = field.gap if field is not None else None
        self._draw_arrows(field)
        self.landmarks.show_field(field)
        self._dress_contours(compared if gap is not None else "")
        self._draw_contours(self.contours, field.contours if field is not None else NO_CONTOURS)
        self._draw_contours(self.own_contours, gap.contours if gap is not None else NO_CONTOURS)

    def show_gap(self, field: PortraitField | None, name: str, scale: float, unit: str, why_not: str) -> None:
        """Paint the map of the model called `name` in colours that reach as far as Ĥ is off where the data are, as
        shares of `scale` in `unit`; or say why there is none."""
        gap = field.gap if field is not None else None
        if field is None or gap is None or not np.isfinite(scale):
            self.map.clear()
            self.key.show_reason(why_not)
            return
        share = color_limit(gap.reach, scale)
        self.map.show_values(gap.values, share * scale, field.spec.x, field.spec.y, gap.beyond)
        words = f"rms {percent(gap.rms / scale)} of E {gap.where}"
        ends = (f"−{percent(share)}", f"+{percent(share)} of E")
        self.key.show_key(f"{name}: Ĥ − H", ends, words, gap_tip(gap, scale, unit))

    def _dress_contours(self, compared: str) -> None:
        """Grey lines, or ink for truth and a model's own colour where they are compared."""
        if compared == self._compared:
            return
        self._compared = compared
        if compared:
            self.contours.dress("truth", alpha=110)
            self.own_contours.dress(compared, alpha=150)
        else:
            self.contours.dress("field", alpha=150)

    def _draw_arrows(self, field: PortraitField | None) -> None:
        if field is None or field.at is None or field.flow is None:
            if self._differs(self.arrows):
                self.arrows.set_data([], [])
            return
        pixels = self._plot.view.unit
        if self._differs(self.arrows, field.at, field.flow, np.array(pixels)):
            strokes = arrow_lines(field.at, field.flow, (1 / pixels[0], 1 / pixels[1]))
            self.arrows.set_data(*strokes)

    def _draw_contours(self, item: Curve, contours: Contours) -> None:
        if self._differs(item, contours.points, contours.joins):
            joined = contours.joins.astype(bool) if len(contours.points) else None
            item.set_data(contours.points[:, 0], contours.points[:, 1], joined)

    def _differs(self, item: Curve | Segments, *now: npt.NDArray[Any]) -> bool:
        """Whether `item` shows anything else than `now`: truth's stay as they are while a model trains."""
        before, self._drawn[item] = self._drawn.get(item, ()), now
        return len(before) != len(now) or not all(map(np.array_equal, before, now))


def gap_tip(gap: EnergyGap, scale: float, unit: str) -> str:
    """What the key's figures are; H in `unit`."""
    over = "the training states" if gap.inside else "the plane that is shown (there is no data yet)"
    return (
        f"Ĥ − H − c, c its median over {over}.\n"
        f"Over them its rms is {number(gap.rms, unit)}, and half are within {number(gap.typical, unit)}.\n"
        f"E = H(x(0)) − min H of the start, or |H(x(0))|, as in the energy plot: {number(scale, unit)}.\n"
        "The colours reach as far as 98 % of them; beyond, they stay the same. Hatched: no training data nearby."
    )
