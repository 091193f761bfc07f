"""What is wrong with a fit, in words: rules over the evidence, each with what it rests on and what would help.

A rule speaks only where its evidence leaves little doubt: a false verdict is worse than none.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hnn_engine.debugging.evidence import Evidence
from hnn_engine.fitting import get_recipe
from hnn_engine.integrators import get_integrator
from hnn_engine.models import get_model
from hnn_engine.number_format import percent
from hnn_engine.rollouts.truth import how_long_known

Certainty = Literal["certain", "likely"]

FLOOR = (0.6, 1.5)  # loss over noise floor, between which the loss is at the floor
RATHER = 0.5  # of the noise floor: a model whose own error is less is limited by the noise, not by itself
OFF = 0.01  # relative error of a field that is off
POOR = 0.05  # and of one that is poor
OUTSIDE = 0.02  # of the width of the data's energies
DRIFTS = 0.005  # of E: a drift that is seen
CURLED = 0.01  # curl of a field, above truth's own, that is not J∇H
LOST = 0.02  # of its scale: change of a conserved quantity
PHASE = 0.2  # relative error along a rollout that keeps its energy:
ASIDE, KEPT = 0.25, 0.15  # to so much of that error, and of E
GAP = 10.0  # test loss over training loss
ENOUGH = 2.0  # equations of a closed form for each of its unknowns
DEAD = 0.5  # share of hidden units that are saturated
STRONG_RIDGE, STRONG_DECAY = 1e-5, 1e-2
SURE = 3.0  # times a threshold: certain


@dataclass(frozen=True)
class Finding:
    """A fault: the `rule` that found it, what is wrong (`text`), how sure that is, the figures that it rests on by
    name, and what would help."""

    rule: str
    text: str
    certainty: Certainty
    evidence: Mapping[str, float]
    remedy: str


Rule = Callable[[Evidence], Finding | None]
RULES: dict[str, Rule] = {}

# What a fault may bring about: these rules may fire along with it, and no others.
CONSEQUENCES: dict[str, frozenset[str]] = {
    "noise_floor": frozenset({"phase_noise", "left_data", "momentum_lost"}),
    "start_outside_data": frozenset({"momentum_lost"}),
    "integrator_drift": frozenset(),
    "friction_in_hamiltonian": frozenset(),
    "not_hamiltonian": frozenset({"momentum_lost", "left_data"}),
    "momentum_lost": frozenset(),
    "phase_noise": frozenset({"noise_floor"}),
    "few_trajectories": frozenset({"momentum_lost", "left_data", "not_hamiltonian", "start_outside_data"}),
    "saturated": frozenset({"momentum_lost", "left_data", "not_hamiltonian", "few_trajectories"}),
    "over_regularised": frozenset({"momentum_lost", "left_data", "not_hamiltonian", "friction_in_hamiltonian"}),
    "unfinished": frozenset({"momentum_lost", "left_data", "not_hamiltonian"}),
    "chaos": frozenset(),
    "left_data": frozenset({"momentum_lost"}),
}


def rule(check: Rule) -> Rule:
    """Enter a rule by the name of its function."""
    RULES[check.__name__] = check
    return check


def verdict(evidence: Evidence) -> tuple[Finding, ...]:
    """Return what is wrong, in the order of `RULES`; empty where nothing is found."""
    found = (check(evidence) for check in RULES.values())
    return tuple(one for one in found if one is not None)


def _certainty(value: float, limit: float) -> Certainty:
    return "certain" if value >= SURE * limit else "likely"


def _floor(e: Evidence) -> float:
    """The loss of the true field on the training rows, where noise is felt in it; else 0."""
    return (e.data.floor_train or 0.0) if e.noisy else 0.0


def _beyond(e: Evidence) -> float:
    """How far the start's energy lies outside that of the training data, in widths of the latter; at most 0 inside."""
    if e.energies is None or e.start_energy is None:
        return 0.0
    low, high = e.energies
    below = 0.0 if e.system is not None and e.system.damped else low - e.start_energy
    return max(e.start_energy - high, below) / max(high - low, 1e-300)


@rule
def noise_floor(e: Evidence) -> Finding | None:
    """The loss is at the noise floor: what is left of it is the noise on the states.

    Or below: what noisy states say of their derivatives is a smeared field, which they fit better than the true one.
    """
    floor, (loss, test), own = _floor(e), e.losses, e.own_errors
    if (
        not floor
        or loss > FLOOR[1] * floor
        or (loss < FLOOR[0] * floor and test > FLOOR[1] * (e.data.floor_test or 0.0))
    ):
        return None
    if own is not None and (own[0] > RATHER * floor or e.field.inside < OFF):  # the model's own; or nothing is wrong
        return None
    if friction_in_hamiltonian(e) is not None:  # then it is not the noise alone
        return None
    below = "at" if loss > FLOOR[0] * floor else "below"
    return Finding(
        "noise_floor",
        f"The loss is {below} the noise floor: what is left of it is the noise on the states, and more steps gain "
        "nothing.",
        "certain",
        {"train_loss": loss, "noise_floor_train": floor},
        "Estimate the clean states too (recipe denoise), measure with less noise, or take more trajectories.",
    )


@rule
def few_trajectories(e: Evidence) -> Finding | None:
    """The fit is far better on what it has seen than on what it has not."""
    train, test = e.losses
    floors = (e.data.floor_train or 0.0, e.data.floor_test or 0.0)
    if e.data.train.all() or e.field.inside < OFF or not math.isfinite(test):
        return None
    count = len(np.unique(e.data.trajectory[e.data.train]))
    unknowns, equations = _unknowns(e), e.data.coords[e.data.train].size
    if e.field.inside >= POOR and equations < ENOUGH * unknowns:
        return Finding(
            "few_trajectories",
            f"{count} training trajectories give {equations:,} numbers for {unknowns:,} unknowns of the closed form: "
            "what they do not determine, its penalty does.",
            "likely",
            {"equations": float(equations), "unknowns": float(unknowns), "trajectories": float(count)},
            "Add trajectories, or take fewer units.",
        )
    # By medians over trajectories where truth is known: one close encounter says nothing of the others.
    typical = (train, test) if e.own_errors is None else e.own_errors[1:]
    ratio = typical[1] / max(typical[0], 1e-300)
    if e.noisy and ratio < GAP:  # on noisy states it is the noise that is learned by heart
        if train > FLOOR[0] * floors[0] or test < FLOOR[1] * floors[1]:
            return None
        ratio = (test / floors[1]) / (train / floors[0])
    if ratio < (FLOOR[1] / FLOOR[0] if e.noisy else GAP):
        return None
    return Finding(
        "few_trajectories",
        f"The field is far better on the {count} training trajectories than on the others: they do not cover what "
        "is asked of it.",
        _certainty(ratio, GAP),
        {"train_loss": train, "test_loss": test, "ratio": ratio, "trajectories": float(count)},
        "Add trajectories, above all where the error map is darkest.",
    )


def _unknowns(e: Evidence) -> int:
    """How many weights a closed form solves for: those of the last layers; 0 of a fit by gradient."""
    if get_recipe(e.run.experiment.recipe).by_gradient:
        return 0
    return sum(w.size for name, w in e.run.snapshot.weights.items() if name.endswith("out"))


@rule
def saturated(e: Evidence) -> Finding | None:
    """Most hidden units answer with the same value everywhere."""
    if e.saturated is None or e.saturated < DEAD or e.field.inside < POOR:
        return None
    return Finding(
        "saturated",
        f"{percent(e.saturated)} of the hidden units are saturated: |tanh| > 0.99 at nearly all training states.",
        "likely",
        {"saturated": e.saturated, "field_error": e.field.inside},
        "Fit anew from fresh weights with a smaller learning rate, or by the recipe sampled.",
    )


@rule
def over_regularised(e: Evidence) -> Finding | None:
    """A penalty on the weights keeps the fit from its data."""
    settings = e.run.experiment.settings
    size = float(np.mean(e.data.dcoords[e.data.train] ** 2))
    missed = math.sqrt(max(e.losses[0] - FLOOR[1] * _floor(e), 0.0) / max(size, 1e-300))
    ridge = float(settings.get("ridge", 0.0)) if settings.get("regularisation") == "fixed" else 0.0
    decay = float(settings.get("weight-decay", 0.0))
    name, value, limit = ("ridge", ridge, STRONG_RIDGE) if ridge else ("weight-decay", decay, STRONG_DECAY)
    if value < limit or missed < OFF or e.losses[1] > GAP * e.losses[0]:
        return None
    return Finding(
        "over_regularised",
        f"The penalty on the weights ({name} = {value:g}) keeps the field {percent(missed)} from its training data.",
        _certainty(missed, OFF),
        {name: value, "missed": missed},
        "Let the data choose the regularisation." if name == "ridge" else "Take a smaller weight decay.",
    )


@rule
def unfinished(e: Evidence) -> Finding | None:
    """The loss was still falling when the fit ended."""
    history = e.run.history
    losses = history.train
    if len(losses) < 20 or not get_recipe(e.run.experiment.recipe).by_gradient or e.field.inside < POOR:
        return None
    part = max(1, len(losses) // 10)
    last, before = float(np.median(losses[-part:])), float(np.median(losses[-3 * part : -2 * part]))
    if not math.isfinite(last) or last > 0.9 * before or last < FLOOR[1] * _floor(e):
        return None
    fall = 1 - last / before
    return Finding(
        "unfinished",
        f"The loss was still falling when the fit ended: by {percent(fall)} over its last fifth.",
        "certain" if fall > 0.3 else "likely",
        {"fall": fall, "steps": float(len(losses))},
        "Go on from these weights, or fit by a recipe that needs fewer steps.",
    )


@rule
def friction_in_hamiltonian(e: Evidence) -> Finding | None:
    """The data loses energy, and the model is J∇H of some Ĥ, which cannot."""
    model = get_model(e.run.snapshot.model)
    if not model.has_energy or model.dissipates:
        return None
    left, known = e.residual, e.true_structure
    if left.rate <= 0 or left.explained < 0.2 or left.score < 6:
        return None
    if known is not None and not (e.system is not None and e.system.damped):
        return None
    return Finding(
        "friction_in_hamiltonian",
        f"The data loses energy: friction of {left.rate:.2g} /s explains {percent(left.explained)} of what the field "
        "misses, and no Ĥ can hold it.",
        "certain" if left.explained > 0.5 else "likely",
        {"rate": left.rate, "explained": left.explained, "score": left.score},
        "Take a model with friction: the dissipative HNN.",
    )


@rule
def not_hamiltonian(e: Evidence) -> Finding | None:
    """The field is not J∇H of any Ĥ."""
    true = e.true_structure
    if true is None or (e.system is not None and e.system.damped):
        return None
    extra = e.model_structure.curl - true.curl
    if not extra > CURLED:
        return None
    return Finding(
        "not_hamiltonian",
        f"The learned field is not J∇Ĥ of any Ĥ: {percent(e.model_structure.curl)} of its derivatives are curl, so "
        "nothing keeps its energy.",
        _certainty(extra, CURLED),
        {"curl": e.model_structure.curl, "divergence": e.model_structure.divergence},
        "Fit an HNN on the same data.",
    )


@rule
def start_outside_data(e: Evidence) -> Finding | None:
    """The rollout begins where there was no data."""
    if e.energies is None or e.start_energy is None or _beyond(e) < OUTSIDE:
        return None
    low, high = e.energies
    return Finding(
        "start_outside_data",
        f"The start has H = {e.start_energy:.3g} J, but the training data lies between {low:.3g} and {high:.3g} J: "
        "what the model does there it was never shown.",
        "certain",
        {"start_energy": e.start_energy, "lowest": low, "highest": high},
        "Start within the data, or add trajectories of that energy.",
    )


@rule
def integrator_drift(e: Evidence) -> Finding | None:
    """The drift is the method's and its step's, not the model's."""
    if e.drifts is None or e.drifts.stepped is None or e.split is None or e.stepping is None:
        return None
    exact = e.drifts.exact.largest if e.drifts.exact is not None else math.inf
    drift, own = e.drifts.stepped.largest, e.stepping
    # A step makes its own part of the drift: that, and not what H does along a model's path, must be most of it.
    lost = not np.isfinite(e.split.stepped).all() and np.isfinite(e.split.exact).all()
    if own < DRIFTS or not (lost or min(own, drift) > SURE * exact):
        return None
    spec = e.run.experiment.rollout
    title = get_integrator(spec.integrator).title
    said = "diverges" if lost else f"is off by {percent(drift)}"
    return Finding(
        "integrator_drift",
        f"The energy {said} by {title} in steps of {spec.dt:g} s, and by {percent(exact)} without the method's error: "
        "the drift is the integrator's.",
        "certain" if lost or own > 10 * exact else "likely",
        {"stepped": drift, "exact": exact, "by_method": own, "dt": spec.dt},
        "Take a smaller step, or a method of higher order or a symplectic one.",
    )


@rule
def momentum_lost(e: Evidence) -> Finding | None:
    """A quantity that truth conserves changes along the model's rollout."""
    lost = [one for one in e.kept if one.share > LOST and one.truth < 1e-3 * one.model]
    if not lost:
        return None
    worst = max(lost, key=lambda one: one.share)
    return Finding(
        "momentum_lost",
        f"{worst.name} is conserved by truth and changes by {percent(worst.share)} along the model's rollout.",
        _certainty(worst.share, LOST),
        {"share": worst.share, "model": worst.model, "truth": worst.truth},
        "More data or a better fit brings it nearer; nothing in this family keeps it.",
    )


@rule
def phase_noise(e: Evidence) -> Finding | None:
    """The energy is kept and the phase is lost: noise on the states has changed the period."""
    if not e.noisy or e.split is None or e.drifts is None or e.drifts.exact is None:
        return None
    if e.losses[0] > FLOOR[1] * _floor(e) or _beyond(e) >= OUTSIDE:  # then the noise is not what it has missed
        return None
    error, drift = e.split.largest(e.split.by_model), e.drifts.exact.largest
    if error < PHASE or drift > min(ASIDE * error, KEPT) or e.split.known < e.split.t[-1]:
        return None
    return Finding(
        "phase_noise",
        f"The energy is kept to {percent(drift)}, but the rollout is {error:.2g} rms ‖x‖ from truth: "
        "noise on the states has changed the period.",
        "likely",
        {"error": error, "energy": drift},
        "Estimate the clean states too: recipe denoise.",
    )


@rule
def left_data(e: Evidence) -> Finding | None:
    """Rollouts from training starts leave the energies of the data."""
    if e.left is None or e.left.share < 0.1 or e.left.first is None:
        return None
    return Finding(
        "left_data",
        f"{percent(e.left.share)} of the rollouts from training starts leave the energies of the data, the first after "
        f"{e.left.first:.3g} s.",
        "certain" if e.left.share > 0.3 else "likely",
        {"share": e.left.share, "first": e.left.first},
        "Take data that reaches further, or a model that keeps an Ĥ.",
    )


@rule
def chaos(e: Evidence) -> Finding | None:
    """Beyond its horizon truth itself is not known."""
    if e.split is None or not e.split.known < e.split.t[-1]:
        return None
    return Finding(
        "chaos",
        how_long_known(e.split.known),
        "certain",
        {"known": e.split.known},
        "Compare within that time, or compare what lasts: energy, exponents, the portrait.",
    )
