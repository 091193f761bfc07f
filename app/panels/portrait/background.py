"""What lies behind the rollouts of the phase portrait: arrows, contours, the map of a comparison, and its key."""

from typing import Any

import numpy as np
import numpy.typing as npt

from app.model.document import ERROR_SCALES, View
from app.panels.portrait.landmarks import Landmarks
from app.widgets.map_key import MapKey, Ways
from app.widgets.plot import Curve, LabPlot, Layer, Segments
from app.widgets.quiver import arrow_lines
from hnn_engine.coords import Array
from hnn_engine.debugging.field_error import TRUE_FIELD, ErrorMap, FieldError
from hnn_engine.number_format import number, percent
from hnn_engine.percentiles import percentile
from hnn_engine.phase_portrait import INSIDE, NO_CONTOURS, Contours, EnergyGap, PortraitField, color_limit
from hnn_engine.scene import Scene

COMPARE_TIP = """Compare a learned H with the true one
Lines: contours of the true H in grey, of the model's Ĥ in its colour, at the same energies.
Colours: Ĥ − H − c. An energy is known up to a constant; c is the median of Ĥ − H over the training data.
Hatched: no training data nearby.
With several models: the one chosen beside the key, or else that of "Field of", or else the first with an H; the key
always names it.
With several degrees of freedom the plane is a slice through the start."""


ERROR_TIP = """Show where a learned field is off: ‖f̂ − f‖
Colours: the distance of the model's field from the true one, at the other coordinates of the start. Hatched: states
whose energy no training data has. Where truth is not known: f̂ − dx/dt of the held-out rows, cell by cell.
The menu ⋯ beside the colours chooses a component of the field, relative or absolute, log or linear."""
DECADES, BEYOND = 3.0, 1.0  # that a logarithmic map spans, and of these those above the errors within the data
_SCALES = ("relative, log", "relative", "absolute, log", "absolute")
_LEAST = 1e-6  # of rms ‖f‖, what the colours reach at least: the map of an exact model is blank


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
        self._sizes: tuple[object, Array, tuple[float, float]] | None = None  # what the error map shows, and of what
        self._compared = ""  # the role in whose colour its contours are

    def sync(self, view: View) -> None:
        """Show and hide what the view says."""
        self.arrows.set_visible(view.arrows)
        self.contours.set_visible(view.contours)
        self.landmarks.set_visible(view.contours)
        self.own_contours.set_visible(view.contours and view.compare)
        self.map.set_visible(view.compare or view.error_map)
        self.key.setVisible(view.compare or view.error_map)

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

    def show_error(
        self, found: ErrorMap | None, figures: FieldError | None, name: str, view: View, scene: Scene, why_not: str
    ) -> None:
        """Paint where the field of the model called `name` is off, as `view` says; or say why there is no such map."""
        if found is None or not np.isfinite(found.size) or not np.isfinite(found.off).any():
            self.map.clear()
            self._sizes = None
            self.key.show_reason(why_not)
            return
        part = view.error_part if view.error_part < 2 * scene.dof else -1
        key = found, part, view.error_scale
        if self._sizes is None or self._sizes[0] != key:
            self._sizes = (key, *error_sizes(found, part, view.error_scale))
        _, values, span = self._sizes
        self.map.show_sizes(values, span, found.spec.x, found.spec.y, found.beyond)
        ends = error_ends(span, view.error_scale, unit_of(scene, part))
        title = f"{name}: {_symbol(scene, part, found.against)}"
        self.key.show_key(title, ends, "", error_tip(found, figures, scene), sizes=True)

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


def error_sizes(found: ErrorMap, part: int, scale: str) -> tuple[Array, tuple[float, float]]:
    """Return what the map of component `part` of the field (−1: all) shows by `scale` (of `ERROR_SCALES`), `(n, n)`,
    and the ends of its colours: log10 of both on a logarithmic scale, and shares of rms ‖f‖ where it is relative."""
    error = found.error if part < 0 else np.abs(found.off[..., part])
    unit = found.size if scale.startswith("relative") else 1.0
    values: Array = error / max(unit, 1e-300)
    inside = values[found.inside & np.isfinite(values)]
    reach = percentile(inside if len(inside) else values[np.isfinite(values)], INSIDE)
    top = float(10.0 ** (np.ceil(2 * np.log10(max(reach, _LEAST * found.size / unit))) / 2))
    if not scale.endswith("log"):
        return values, (0.0, 2 * top)
    with np.errstate(divide="ignore"):
        end = np.log10(top) + BEYOND
        return np.log10(np.maximum(values, top * 10.0 ** (-2 * DECADES))), (end - DECADES, end)


def error_ends(span: tuple[float, float], scale: str, unit: str) -> tuple[str, str]:
    """Say what the colours at both ends mean."""
    low, high = (10.0**end if scale.endswith("log") else end for end in span)
    if scale.startswith("relative"):
        return percent(low) if low else "0", f"{percent(high)} of rms ‖f‖"
    return number(low, digits=2), number(high, unit, 2)


def unit_of(scene: Scene, part: int) -> str:
    """Return the unit of a component of the field, or of its norm where all have the same; '' where they have not."""
    units = {f"{c.unit}/s" for c in (scene.coordinates if part < 0 else scene.coordinates[part : part + 1])}
    return units.pop() if len(units) == 1 else ""


def _symbol(scene: Scene, part: int, against: str) -> str:
    true = "f" if against == TRUE_FIELD else "dx/dt"
    return f"‖f̂ − {true}‖" if part < 0 else f"|f̂ − {true}| of {rate_of(scene, part)}"


def rate_of(scene: Scene, part: int) -> str:
    """Return what a component of the field is called: 'dθ₁/dt'."""
    return f"d{scene.coordinates[part].symbol}/dt"


def error_words(figures: FieldError | None, scene: Scene) -> str:
    """Say how far the field is off within the data's energies and above them, and which component is worst."""
    if figures is None:
        return ""
    where = "inside the data" if figures.against == TRUE_FIELD else "on held-out rows"
    parts = [f"{percent(figures.inside)} {where}"]
    parts += [f"{percent(figures.outside)} above"] if figures.outside is not None else []
    worst = int(np.argmax(figures.shares))
    if np.isfinite(figures.shares).all():
        parts.append(f"{percent(float(figures.shares[worst]))} of it in {rate_of(scene, worst)}")
    return ", ".join(parts)


def error_tip(found: ErrorMap, figures: FieldError | None, scene: Scene) -> str:
    """What the key's figures are."""
    true = found.against == TRUE_FIELD
    lines = [
        "‖f̂ − f‖: how far the learned field is from the true one."
        if true
        else "There is no true field here: rms ‖f̂ − dx/dt‖ over the held-out rows in each cell; clear: no rows.",
        f"rms ‖f‖ over the training states: {number(found.size, unit_of(scene, -1))}"
        + ("." if unit_of(scene, -1) else " (its components have different units)."),
    ]
    if true:
        lines.append("Hatched: states whose energy lies outside that of the training data.")
    if figures is not None:
        lines.append("In words: rms ‖f̂ − f‖ / rms ‖f‖ on test states, and on states up to a quarter of the data's")
        lines.append("range of energies above them; the share of Σ (f̂ − f)² in the worst component.")
    return "\n".join(lines)


def error_ways(view: View, scene: Scene) -> Ways:
    """Return how the error map may be coloured: name of the view's field, values with words, and the present one."""
    parts = [(-1, "‖f̂ − f‖, all components"), *((i, rate_of(scene, i)) for i in range(2 * scene.dof))]
    part = view.error_part if view.error_part < 2 * scene.dof else -1
    scales = list(zip(ERROR_SCALES, _SCALES, strict=True))
    return (("error_part", parts, part), ("error_scale", scales, view.error_scale))


def gap_tip(gap: EnergyGap, scale: float, unit: str) -> str:
    """What the key's figures are; H in `unit`."""
    over = "the training states" if gap.inside else "the plane that is shown (there is no data yet)"
    return (
        f"Ĥ − H − c, c its median over {over}.\n"
        f"Over them its rms is {number(gap.rms, unit)}, and half are within {number(gap.typical, unit)}.\n"
        f"E = H(x(0)) − min H of the start, or |H(x(0))|, as in the energy plot: {number(scale, unit)}.\n"
        "The colours reach as far as 98 % of them; beyond, they stay the same. Hatched: no training data nearby."
    )
