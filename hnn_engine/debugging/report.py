"""The figures of debugging as one object, as `hnn-lab evaluate --debug --json` prints it; see docs/figures.md."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from hnn_engine.datasets import Dataset
from hnn_engine.debugging.ensemble import FEWEST, band, disagreement, refit
from hnn_engine.debugging.error_split import Drift, ErrorSplit, method_table
from hnn_engine.debugging.evidence import Evidence, gather
from hnn_engine.debugging.field_error import FieldError
from hnn_engine.debugging.fixed_points import FixedPoints
from hnn_engine.debugging.tangent_flow import (
    GROWTH_TOLERANCE,
    PATH_TOLERANCE,
    TangentFlow,
    largest_rate,
    lyapunov_spectrum,
    products,
    step_map,
    symplectic_defect,
    tangent_flow,
    volume,
)
from hnn_engine.debugging.verdict import verdict
from hnn_engine.equilibria import Equilibrium
from hnn_engine.errors import ExperimentError
from hnn_engine.integrators import Flow, get_integrator, why_not
from hnn_engine.number_format import percent
from hnn_engine.progress import ProgressCallback
from hnn_engine.records import Run

KEYS = (
    "field_error",
    "energy_drift",
    "model_error",
    "integrator_error",
    "invariants",
    "symplecticity",
    "phase_volume",
    "lyapunov",
    "fixed_points",
    "ensemble",
    "verdict",
)
MATRIX_SECONDS = 0.25  # of the horizon: as long as the flow's derivative is looked at
TRUTH_HORIZONS, MODEL_HORIZONS = 50.0, 10.0  # horizons of the rollout, over which exponents are found
GROWTH_SECONDS = 8.0  # that the exponents of a model may take: else their horizon is shorter
REFIT_SECONDS = 4.0  # of a fit, up to which it is done again with other seeds
MEMBERS = 5

Interrupt = Callable[[], bool] | None


def debug_report(run: Run, data: Dataset, progress: ProgressCallback | None = None) -> dict[str, Any]:
    """Return the figures of `KEYS` of `run`, trained on `data`, in numbers, texts and lists alone; None where one has
    no meaning, and infinite numbers as None.

    `progress` hears the share that is done, several times a second, and may raise to end the work.
    """
    if run.snapshot.autoencoder is not None:
        return dict.fromkeys(KEYS)
    if run.snapshot.timed:
        raise ExperimentError(
            f"The law of {run.title} depends on time, but these figures are of laws that do not: leave --debug out"
        )
    tell = progress or (lambda _: None)
    evidence = gather(run, data, lambda share: tell(0.4 * share))

    def interrupt() -> bool:
        tell(done)
        return False

    done = 0.4
    snapshot, system, spec = run.snapshot, evidence.system, run.experiment.rollout
    start = np.asarray(run.experiment.start, dtype=np.float64)
    began = time.perf_counter()
    tangent = {"model": _tangent(snapshot, start, MATRIX_SECONDS * spec.horizon, interrupt)}
    took = time.perf_counter() - began
    affordable = MATRIX_SECONDS * GROWTH_SECONDS / max(took, 1e-9)
    growth = {
        "model": _tangent(snapshot, start, min(MODEL_HORIZONS, affordable) * spec.horizon, interrupt, GROWTH_TOLERANCE)
        if affordable > MATRIX_SECONDS
        else tangent["model"]
    }
    done = 0.7
    if system is not None:
        tangent["truth"] = _tangent(system, start, MATRIX_SECONDS * spec.horizon, interrupt)
        growth["truth"] = _tangent(system, start, TRUTH_HORIZONS * spec.horizon, interrupt, GROWTH_TOLERANCE)
    done = 0.8
    interrupt()
    split = evidence.split
    found: dict[str, Any] = {
        "field_error": _field_error(evidence.field, run),
        "energy_drift": _drifts(evidence),
        "model_error": _model_error(split) if split is not None else None,
        "integrator_error": _integrator_error(evidence, split, interrupt) if split is not None else None,
        "invariants": [asdict(one) | {"share": one.share} for one in evidence.kept] if system is not None else None,
        "symplecticity": _symplecticity(run, start, tangent),
        "phase_volume": _volumes(tangent),
        "lyapunov": _exponents(growth),
        "fixed_points": _fixed_points(evidence.fixed_points) if evidence.fixed_points is not None else None,
        "ensemble": _ensemble(evidence, lambda share: tell(0.85 + 0.15 * share)),
        "verdict": [asdict(one) for one in verdict(evidence)],
    }
    return {key: _plain(found[key]) for key in KEYS}


def _plain(value: Any) -> Any:
    """What JSON holds: no arrays, no number that is not finite."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(v) for v in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value


def _tangent(
    flow: Flow, start: Any, horizon: float, interrupt: Interrupt, tolerance: float = PATH_TOLERANCE
) -> TangentFlow:
    return tangent_flow(flow, start, horizon, tolerance=tolerance, interrupt=interrupt)


def _field_error(found: FieldError, run: Run) -> dict[str, Any]:
    names = [c.name for c in run.experiment.scene.coordinates]
    return {
        "inside": found.inside,
        "outside": found.outside,
        "shares": dict(zip(names, found.shares.tolist(), strict=True)),
        "against": found.against,
    }


def _drift(found: Drift | None) -> dict[str, float] | None:
    return asdict(found) if found is not None else None


def _drifts(evidence: Evidence) -> dict[str, Any] | None:
    found = evidence.drifts
    if found is None:
        return None
    return {"true_H": _drift(found.stepped), "true_H_exact": _drift(found.exact), "learned_H": _drift(found.learned)}


def _model_error(split: ErrorSplit) -> dict[str, Any]:
    norms = split.norms(split.by_model)[split.until]
    return {"largest": split.largest(split.by_model), "last": float(norms[-1]), "known_until": split.known}


def _integrator_error(evidence: Evidence, split: ErrorSplit, interrupt: Interrupt) -> dict[str, Any]:
    run = evidence.run
    spec = run.experiment.rollout
    norms = split.norms(split.by_integrator)[split.until]
    table = method_table(run.snapshot, split.truth[0], spec, split.size, interrupt)
    return {
        "integrator": spec.integrator,
        "dt": spec.dt,
        "largest": split.largest(split.by_integrator),
        "last": float(norms[-1]),
        "methods": [asdict(one) for one in table],
    }


def _symplecticity(run: Run, start: Any, tangent: Mapping[str, TangentFlow]) -> dict[str, Any]:
    """‖MᵀJM − J‖/‖J‖ of the flows, of the whole time and at worst of a segment, and of one step of the method."""
    out: dict[str, Any] = {}
    for name, one in tangent.items():
        matrices = products(one.maps)
        out[name] = {
            "seconds": float(one.t[-1]),
            "flow": float(symplectic_defect(matrices[-1])),
            "segment": float(symplectic_defect(one.maps).max()) if len(one.maps) else None,
        }
    spec = run.experiment.rollout
    fixed = not get_integrator(spec.integrator).adaptive and not why_not(spec.integrator, run.snapshot)
    step = step_map(run.snapshot, start, spec.integrator, spec.dt) if fixed else None
    out["step"] = float(symplectic_defect(step)) if step is not None else None
    return out


def _volumes(tangent: Mapping[str, TangentFlow]) -> dict[str, Any]:
    """det M after the time, and the mean rate of its logarithm in 1/s: the divergence along the path."""
    out = {}
    for name, one in tangent.items():
        last = float(volume(one.maps)[-1])
        with np.errstate(all="ignore"):
            rate = float(np.log(abs(last)) / one.t[-1]) if one.t[-1] > 0 else float("nan")
        out[name] = {"seconds": float(one.t[-1]), "determinant": last, "rate": rate}
    return out


def _exponents(growth: Mapping[str, TangentFlow]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, one in growth.items():
        if len(one.maps) < 4:
            out[name] = None
            continue
        spectrum = lyapunov_spectrum(one)
        half = spectrum.estimates[len(spectrum.t) // 2]
        rate = largest_rate(spectrum)
        out[name] = {
            "seconds": float(one.t[-1]),
            "exponents": spectrum.exponents,
            "at_half_time": half,
            "lyapunov_time": 1.0 / rate if rate is not None else None,
        }
    return out


def _equilibrium(one: Equilibrium) -> dict[str, Any]:
    return {
        "at": one.at,
        "kind": one.kind,
        "stable": one.stable,
        "energy": one.energy,
        "eigenvalues": [[value.real, value.imag] for value in one.eigenvalues],
    }


def _fixed_points(found: FixedPoints) -> dict[str, Any]:
    return {
        "truth": [_equilibrium(one) for one in found.truth],
        "model": [_equilibrium(one) for one in found.model],
        "matches": found.matches,
        "lost": len(found.lost),
        "invented": len(found.invented),
    }


def _ensemble(evidence: Evidence, progress: ProgressCallback) -> dict[str, Any] | None:
    """Fits with other seeds, where they are quick: how far they disagree, and how often truth lies between them."""
    run, system = evidence.run, evidence.system
    if run.fit_seconds > REFIT_SECONDS or run.started_from is not None:
        return None
    seeds = [run.experiment.seed + k for k in range(1, MEMBERS)]
    members = [run.snapshot, *refit(run.experiment, seeds, progress)]
    if len(members) < FEWEST:
        return None
    rows = evidence.data.coords[~evidence.data.train]
    some = rows[np.linspace(0, len(rows) - 1, min(len(rows), 1000)).astype(int)] if len(rows) else evidence.data.coords
    apart = disagreement(members, some)
    size = float(np.sqrt(np.mean(np.sum(members[0].many(some) ** 2, axis=-1))))
    out: dict[str, Any] = {
        "seeds": [run.experiment.seed, *seeds],
        "disagreement": float(np.sqrt(np.mean(apart**2))) / max(size, 1e-300),
        "coverage": None,
        "expected_coverage": None,
        "spread": None,
    }
    if system is not None and evidence.split is not None:
        split, spec = evidence.split, run.experiment.rollout
        found = band(members, split.truth[0], split.t, spec.integrator)
        claimed = np.asarray(split.until, dtype=np.bool_)
        known = found.until(claimed)
        out["coverage"] = known.coverage(split.truth[claimed])
        out["expected_coverage"] = (len(members) - 1) / (len(members) + 1)
        out["spread"] = float(known.spread[-1]) / split.size
    return out


# In words -------------------------------------------------------------------------------------------------------------


def debug_lines(report: Mapping[str, Any]) -> list[str]:
    """Return a report as lines of text: its main figures, and the verdict."""
    lines = []
    field = report["field_error"]
    if field is not None:
        outside = f", above the data's energies {_share(field['outside'])}" if field["outside"] is not None else ""
        lines.append(f"field error           {_share(field['inside'])} of {field['against']}{outside}")
    drift = report["energy_drift"]
    for key, title in (("true_H", "drift of H"), ("true_H_exact", "… without the method"), ("learned_H", "drift of Ĥ")):
        if drift is not None and drift[key] is not None:
            one = drift[key]
            lines.append(
                f"{title:<21} {_share(one['largest'])}, slope {one['slope']:.2g} /s, swing {_share(one['swing'])}"
            )
    for key, title in (("model_error", "the model's error"), ("integrator_error", "the method's error")):
        if report[key] is not None:
            lines.append(f"{title:<21} {_share(report[key]['largest'])} of rms ‖x‖")
    exponents = report["lyapunov"] or {}
    for name, one in exponents.items():
        if one is not None:
            values = ", ".join(f"{value:.3g}" for value in one["exponents"])
            lines.append(f"Lyapunov, {name:<11} {values} /s over {one['seconds']:g} s")
    found = report["verdict"]
    if found is None:
        return ["There is nothing to say of a model that sees frames."]
    lines += [f"{one['certainty']:<21} {one['text']} {one['remedy']}" for one in found]
    return lines if found else [*lines, "Nothing is found to be wrong."]


def _share(value: float | None) -> str:
    return "∞" if value is None else percent(value)
