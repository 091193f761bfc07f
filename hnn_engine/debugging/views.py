"""What the views of debugging show, as curves and tables; each answers one question about a fit.

evidence = with_rollouts(field_evidence(run, data))
view = split_view(evidence)
print(view.words, view.whole, view.by_model, view.by_integrator)
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.debugging.ensemble import Band, band, disagreement
from hnn_engine.debugging.error_split import MethodCost, method_table
from hnn_engine.debugging.evidence import Evidence
from hnn_engine.debugging.fixed_points import FixedPoints
from hnn_engine.debugging.invariants import invariants
from hnn_engine.debugging.tangent_flow import (
    LyapunovSpectrum,
    TangentFlow,
    largest_rate,
    lyapunov_spectrum,
    products,
    step_map,
    symplectic_defect,
    tangent_flow,
    volume,
)
from hnn_engine.integrators import Flow, get_integrator, why_not
from hnn_engine.number_format import number, percent
from hnn_engine.rollouts.energy_drift import energy_drift, learned_drift
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.snapshot import Snapshot

FLOW_SECONDS = 0.25  # of the horizon: as long as the flow's derivative is looked at
GROWTH_HORIZONS = 10.0  # of the rollout, over which exponents are found
OUTLINE, BLOB = 48, 0.15  # points of a blob's outline, and its radius in the spread of the training states
MOST_OUTLINED = 120_000  # numbers of an outline over time
OUTLINE_LIMIT = 40_000  # field calls of each of its points
NEGLIGIBLE = 1e-4  # of rms ‖x‖: an error that nobody sees
ASIDE = 0.1  # of the model's error: a method's error that is beside the point
WORST, BEST = 1e-2, 1e-6  # of rms ‖x‖: what a method may err at most, and need not undercut

Interrupt = Callable[[], bool] | None


# Whose error it is ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class SplitView:
    """The error of a rollout at the times `t` `(T,)` in s: `whole` ‖x̂ − x‖, `by_model` ‖x̂* − x‖ and `by_integrator`
    ‖x̂ − x̂*‖, `(T,)` each in rms ‖x‖ of truth, NaN where it diverges.

    `drift`, `exact_drift` and `own_drift` are what the energy is off by as a share of E, `(T,)`: the true H by the
    method and without its error, and the model's own Ĥ (empty without one). `known`: until when in s truth is known.
    """

    t: Array
    whole: Array
    by_model: Array
    by_integrator: Array
    drift: Array
    exact_drift: Array
    own_drift: Array
    known: float
    integrator: str
    dt: float

    @property
    def claimed(self) -> Array:
        """Which of the times are spoken of, `(T,)`: those at which truth is known."""
        return np.asarray(self.t <= self.known)

    def largest(self, part: Array) -> float:
        """Return the largest value of `part` `(T,)` while truth is known; infinity where it diverges by then."""
        known = part[self.claimed]
        return float(known.max()) if np.isfinite(known).all() else math.inf

    @property
    def words(self) -> str:
        """Whose the error is, in a sentence, and beyond which time nothing is claimed."""
        model, method = self.largest(self.by_model), self.largest(self.by_integrator)
        by = f"{get_integrator(self.integrator).title} in steps of {number(self.dt, 's')}"
        if max(model, method) < NEGLIGIBLE:
            said = f"No error to speak of: {number(model, digits=2)} by the model, {number(method, digits=2)} by {by}."
        elif method > model / ASIDE:
            said = f"The error is the integrator's: {_size(method)} by {by}, {_size(model)} by the model."
        elif method < ASIDE * model:
            said = f"The error is the model's: {_size(model)}, and {_size(method)} by {by}."
        else:
            said = f"Both err: the model by {_size(model)}, {by} by {_size(method)}."
        known = number(self.known, "s")
        return f"{said} Truth is known for {known}: nothing is claimed beyond." if self.known < self.t[-1] else said


def _size(share: float) -> str:
    return "it diverges" if not math.isfinite(share) else f"{number(share, digits=2)} rms ‖x‖"


def split_view(evidence: Evidence) -> SplitView | None:
    """Return the parts of the error along the rollout of `evidence`; None where truth is not known at all."""
    split, system = evidence.split, evidence.system
    if split is None or system is None:
        return None
    spec, snapshot = evidence.run.experiment.rollout, evidence.run.snapshot
    with np.errstate(all="ignore"):
        drift, exact = (energy_drift(system, coords, split.truth) for coords in (split.stepped, split.exact))
        own = snapshot.hamiltonian(split.stepped)
        learned = learned_drift(system, own, split.truth) if own is not None else np.empty(0)
        whole = split.norms(split.by_model + split.by_integrator)
    parts = split.norms(split.by_model), split.norms(split.by_integrator)
    return SplitView(split.t, whole, *parts, drift, exact, learned, split.known, spec.integrator, spec.dt)


# Which method and step would do ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MethodsView:
    """What each method and step costs and errs, the `chosen` method and step, the number of the row that is `advised`
    (None where none is better), and over how many `seconds` errors were taken."""

    rows: tuple[MethodCost, ...]
    integrator: str
    dt: float
    advised: int | None
    seconds: float


def methods_view(evidence: Evidence, interrupt: Interrupt = None) -> MethodsView | None:
    """Return the table of methods for the rollout of `evidence`, over as long as truth is known; None without truth."""
    split = evidence.split
    if split is None:
        return None
    spec = evidence.run.experiment.rollout
    within = replace(spec, horizon=float(max(min(spec.horizon, split.known), 4 * spec.dt)))
    rows = method_table(evidence.run.snapshot, split.truth[0], within, split.size, interrupt)
    return MethodsView(rows, spec.integrator, spec.dt, advised_row(rows, split.largest(split.by_model)), within.horizon)


def advised_row(rows: Sequence[MethodCost], model_error: float) -> int | None:
    """Return the number of the cheapest of `rows` whose error is beside that of the model, `model_error` in rms ‖x‖; of
    equally cheap ones the most accurate. None where no row is so good."""
    allowed = min(max(ASIDE * model_error, BEST), WORST)
    good = [i for i, row in enumerate(rows) if row.error <= allowed]
    return min(good, key=lambda i: (rows[i].evaluations, rows[i].error)) if good else None


def tidy_step(dt: float) -> float:
    """Return a step in s of a table with three digits: there it divides the horizon."""
    return float(f"{dt:.3g}")


# What motion conserves ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Conserved:
    """A quantity along the rollouts: its change from the start in its `unit`, `(T,)`, along `truth` and along the model
    by the method (`model`) and without its error (`exact`). `scale` in the same unit is what changes are compared with:
    E of an energy, rms over training states of another quantity. `own`: it is the model's own Ĥ, which truth has not.
    """

    name: str
    unit: str
    scale: float
    truth: Array
    model: Array
    exact: Array
    own: bool = False

    @property
    def words(self) -> str:
        """How far it changes, in words."""
        changes = [_largest(part) / self.scale for part in (self.model, self.truth)]
        said = f"{self.name} changes by {percent(changes[0])} along the model's rollout"
        return said + ("." if self.own else f", by {percent(changes[1])} along truth.")


def _largest(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(np.abs(known).max()) if len(known) else math.inf


@dataclass(frozen=True, eq=False)
class ConservedView:
    """What is conserved, or should be: H first, then Ĥ where the model has one, then what else the system conserves."""

    t: Array
    quantities: tuple[Conserved, ...]


def conserved_view(evidence: Evidence) -> ConservedView | None:
    """Return the conserved quantities along the rollout of `evidence`; None without truth."""
    split, system = evidence.split, evidence.system
    if split is None or system is None:
        return None
    paths = split.truth, split.stepped, split.exact
    energy_scale = float(system.energy_scale(split.truth[0]))

    def along(value: Callable[[Array], Array]) -> tuple[Array, Array, Array]:
        with np.errstate(all="ignore"):
            truth, model, exact = (value(path) for path in paths)
        return truth - truth[0], model - model[0], exact - exact[0]

    found = [Conserved("H", "J", energy_scale, *along(system.hamiltonian))]
    snapshot = evidence.run.snapshot
    if snapshot.has_energy:

        def own(coords: Array) -> Array:
            energy = snapshot.hamiltonian(coords)
            assert energy is not None
            return energy

        found.append(Conserved("Ĥ", "J", energy_scale, *along(own), own=True))
    scales = {one.name: one.scale for one in evidence.kept}
    found += [
        Conserved(one.name, one.unit, scales.get(one.name) or 1.0, *along(one.value)) for one in invariants(system)
    ]
    return ConservedView(split.t, tuple(found))


# Phase volume and the symplectic form ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class FlowView:
    """What the flow does to small volumes and to the symplectic form, by `names` ('truth' where there is one, and
    'model'): `t` in s, `determinant` det M(t) and `defect` ‖MᵀJM − J‖/‖J‖ of M(t), of what is stretched far that of the
    worst segment so far; each `(K+1,)`. `step` is the defect of one step of the method; None where it has no steps of a
    given size.

    `outlines` are those of a small blob around the start, carried over the whole horizon: `(B, P, 2*dof)` each, at the
    times `outline_t` `(B,)`; at first an ellipse in the plane of the first coordinate and its momentum.
    """

    names: tuple[str, ...]
    t: tuple[Array, ...]
    determinant: tuple[Array, ...]
    defect: tuple[Array, ...]
    step: float | None
    outline_t: Array
    outlines: tuple[Array, ...]

    def areas(self, which: int) -> Array:
        """Return the area of a blob `(B,)` as a share of what it was at first; only with one degree of freedom."""
        x, y = self.outlines[which][..., 0], self.outlines[which][..., 1]
        signed = np.sum(x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1), axis=1)
        return np.asarray(signed / signed[0])

    @property
    def words(self) -> str:
        """What becomes of volume and of the symplectic form, in words."""
        last, defect = float(self.determinant[-1][-1]), float(self.defect[-1][-1])
        seconds = float(self.t[-1][-1])
        kept = "keeps" if abs(last - 1.0) < 1e-3 else "does not keep"
        said = f"The model {kept} phase volume: det M = {number(last, digits=4)} after {number(seconds, 's')}"
        return f"{said}; ‖MᵀJM − J‖/‖J‖ reaches {number(defect, digits=2)}."


def flow_view(evidence: Evidence, interrupt: Interrupt = None) -> FlowView:
    """Return what truth and the model of `evidence` do to volumes over a quarter of the rollout's horizon."""
    run, start = evidence.run, np.asarray(evidence.run.experiment.start, dtype=np.float64)
    spec, found = run.experiment.rollout, []
    for name, flow in _flows(evidence):
        one = tangent_flow(flow, start, FLOW_SECONDS * spec.horizon, interrupt=interrupt)
        found.append((name, one.t, volume(one.maps), _running_defect(one)))
    names, times, determinants, defects = zip(*found, strict=True)
    fixed = not get_integrator(spec.integrator).adaptive and not why_not(spec.integrator, run.snapshot)
    step = float(symplectic_defect(step_map(run.snapshot, start, spec.integrator, spec.dt))) if fixed else None
    outline_t = np.linspace(0.0, spec.horizon, _outline_times(len(start)))
    first = _ellipse(start, evidence.data.coords[evidence.data.train])
    outlines = tuple(
        rollout(flow, first, outline_t, "dop853", tolerance=1e-9, limit=OUTLINE_LIMIT, interrupt=interrupt).coords
        for _, flow in _flows(evidence)
    )
    return FlowView(names, times, determinants, defects, step, outline_t, outlines)


def _outline_times(coordinates: int) -> int:
    """How many times an outline is kept at: no more than a megabyte of numbers."""
    return int(np.clip(MOST_OUTLINED // (OUTLINE * coordinates), 20, 400))


def _ellipse(start: Array, states: Array) -> Array:
    """Points `(P, 2*dof)` around `start` `(2*dof,)`, as far as `BLOB` of the spread of the training `states`."""
    dof = len(start) // 2
    angle = np.linspace(0.0, 2 * np.pi, OUTLINE, endpoint=False)
    points = np.tile(start, (OUTLINE, 1))
    radius = BLOB * np.maximum(states.std(axis=0), 1e-6)
    points[:, 0] += radius[0] * np.cos(angle)
    points[:, dof] += radius[dof] * np.sin(angle)
    return points


def _running_defect(one: TangentFlow) -> Array:
    """‖MᵀJM − J‖/‖J‖ of M(t) `(K+1,)`; its cancellation grows with ‖M‖², so that of what is stretched far it is that
    of the segments."""
    whole = symplectic_defect(products(one.maps))
    worst = np.concatenate([[0.0], np.maximum.accumulate(symplectic_defect(one.maps))]) if len(one.maps) else whole
    stretched = np.linalg.norm(products(one.maps), axis=(-2, -1)) > 1e3
    return np.where(stretched, worst, whole)


def _flows(evidence: Evidence) -> list[tuple[str, Flow]]:
    truth: list[tuple[str, Flow]] = [("truth", evidence.system)] if evidence.system is not None else []
    return [*truth, ("model", evidence.run.snapshot)]


# Growth of small differences ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class GrowthView:
    """The Lyapunov exponents by `names`, as they converge: `spectra`, and the rates λ₁ in 1/s where motion is chaotic
    (None where it is regular)."""

    names: tuple[str, ...]
    spectra: tuple[LyapunovSpectrum, ...]
    rates: tuple[float | None, ...]

    @property
    def words(self) -> str:
        """How chaotic truth and the model are, in words."""
        parts: list[str] = []
        for name, spectrum, rate in zip(self.names, self.spectra, self.rates, strict=True):
            who = "Truth" if name == "truth" else "the model" if parts else "The model"
            if rate is None:
                parts.append(f"{who} is regular so far (λ₁ ≤ {number(float(spectrum.exponents[0]), '/s', 2)})")
            else:
                apart = number(1 / rate, "s", 2)
                parts.append(f"{who} is chaotic: λ₁ = {number(rate, '/s', 2)}, errors grow e-fold in {apart}")
        return "; ".join(parts) + "."


def growth_view(
    evidence: Evidence, interrupt: Interrupt = None, horizons: float = GROWTH_HORIZONS
) -> GrowthView | None:
    """Return the exponents of truth and of the model of `evidence` over so many `horizons` of its rollout; None where
    the motion ends before there are any."""
    start = np.asarray(evidence.run.experiment.start, dtype=np.float64)
    horizon = horizons * evidence.run.experiment.rollout.horizon
    found = []
    for name, flow in _flows(evidence):
        one = tangent_flow(flow, start, horizon, interrupt=interrupt)
        if len(one.maps) >= 4 and np.isfinite(one.maps).all():
            spectrum = lyapunov_spectrum(one)
            found.append((name, spectrum, largest_rate(spectrum)))
    if not found:
        return None
    names, spectra, rates = zip(*found, strict=True)
    return GrowthView(names, spectra, rates)


# States of rest -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RestsView:
    """Where truth and the model rest (`points`), and which of the model's states have an H of the training data, in
    their order (`within`)."""

    points: FixedPoints
    within: tuple[bool, ...]

    @property
    def words(self) -> str:
        """How many states of rest there are, and which the model invents and loses."""
        points = self.points
        kept = {j for _, j in points.matches}
        invented = [inside for j, inside in enumerate(self.within) if j not in kept]
        if not points.truth and not points.model:
            return "Neither truth nor the model rests anywhere within the training data."
        said = f"Truth rests at {_states(len(points.truth))} in the box of the data, the model at {len(points.model)}"
        if not invented and not points.lost:
            return f"{said}: the same, of the same kinds."
        energies = f" ({sum(invented)} within the data's energies)" if invented else ""
        return f"{said}: {len(invented)} invented{energies}, {len(points.lost)} lost."


def _states(count: int) -> str:
    return f"{count} state" if count == 1 else f"{count} states"


def rests_view(evidence: Evidence) -> RestsView | None:
    """Return the states of rest of truth and of the model of `evidence`; None without truth."""
    points, system, energies = evidence.fixed_points, evidence.system, evidence.energies
    if points is None or system is None or energies is None:
        return None
    low, high = energies
    slack = 1e-6 * (high - low)
    found = [float(system.hamiltonian(np.array(one.at))) for one in points.model]
    return RestsView(points, tuple(low - slack <= energy <= high + slack for energy in found))


# Other seeds ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class EnsembleView:
    """Fits with other seeds beside the one shown: the `band` of their rollouts, `truth` `(T, 2*dof)` there (NaN from
    where it is not known), how far their fields disagree on test states as a share of rms ‖f̂‖, and the share of
    truth's values within the band (None without truth)."""

    band: Band
    truth: Array
    seeds: tuple[int, ...]
    disagreement: float
    coverage: float | None

    @property
    def words(self) -> str:
        """How far the fits agree, and whether truth lies between them, in words."""
        said = f"{len(self.seeds)} fits disagree by {percent(self.disagreement)} of rms ‖f̂‖ on held-out states"
        if self.coverage is None:
            return f"{said}."
        return f"{said}; {percent(self.coverage)} of truth lies within their band."


def ensemble_view(evidence: Evidence, members: Sequence[Snapshot], seeds: Sequence[int]) -> EnsembleView:
    """Return what `members`, fits of the run of `evidence` with `seeds`, say together."""
    run, data = evidence.run, evidence.data
    spec, start = run.experiment.rollout, np.asarray(run.experiment.start, dtype=np.float64)
    times = evidence.split.t if evidence.split is not None else spec.times
    found = band(members, start, times, spec.integrator)
    rows = data.coords[~data.train] if (~data.train).any() else data.coords
    some = rows[np.linspace(0, len(rows) - 1, min(len(rows), 1000)).astype(int)]
    size = float(np.sqrt(np.mean(np.sum(members[0].many(some) ** 2, axis=-1))))
    apart = float(np.sqrt(np.mean(disagreement(members, some) ** 2))) / max(size, 1e-300)
    truth, coverage = np.full((len(times), len(start)), np.nan), None
    if evidence.split is not None:
        truth = np.where(evidence.split.until[:, None], evidence.split.truth, np.nan)
        coverage = found.coverage(truth)
    return EnsembleView(found, truth, tuple(seeds), apart, coverage)
