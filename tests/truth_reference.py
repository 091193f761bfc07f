"""Where every system is after a while, to 22 digits: what the program's truth is measured against.

The equations of motion stand here once more, in mpmath's numbers of 36 digits, and are followed by extrapolation of the
modified midpoint rule (Gragg, Bulirsch and Stoer; Hairer, Nørsett & Wanner, Solving Ordinary Differential Equations I,
II.9). Nothing of the engine's laws or integrators is used: only names, starts and constants, which are taken as the
doubles that they are.

`python -m tests.truth_reference` computes `truth_reference.json` anew, each state twice with other steps, in a few
minutes.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpmath
from mpmath import mpf

from hnn_engine.systems import get_system

PATH = Path(__file__).with_suffix(".json")
DIGITS = 36  # computed with
KEPT = 22  # written
FIRST = 0.5  # s; the first of the times of each case, which a test computes again
MOST_COLUMNS = 14  # of the extrapolation, before a step is halved

State = list[Any]  # of mpf: q, then p
Law = Callable[[State], State]
Constants = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """A system from a start (None: the one it opens with), to `horizon` s."""

    name: str
    system: str
    horizon: float
    start: tuple[float, ...] | None = None

    @property
    def times(self) -> tuple[float, ...]:
        return (FIRST, self.horizon / 4, self.horizon / 2, self.horizon)

    @property
    def first_state(self) -> tuple[float, ...]:
        return self.start if self.start is not None else tuple(map(float, get_system(self.system).default_start))


CASES = {
    case.name: case
    for case in (
        Case("mass-spring", "mass-spring", 50.0),
        Case("pendulum", "pendulum", 50.0),
        Case("pendulum near its separatrix", "pendulum", 50.0, (3.1, 0.0)),
        Case("damped-mass-spring", "damped-mass-spring", 50.0),
        Case("damped-pendulum", "damped-pendulum", 50.0),
        Case("pixel-pendulum", "pixel-pendulum", 50.0),
        Case("double-pendulum", "double-pendulum", 20.0),
        Case("double-pendulum, chaotic", "double-pendulum", 12.0, (2.2, -1.0, 0.0, 0.0)),
        Case("two-body", "two-body", 50.0),
        Case("three-body", "three-body", 10.0),
        Case("n-body", "n-body", 10.0),
        Case("duffing", "duffing", 50.0),
        Case("henon-heiles", "henon-heiles", 50.0),
        Case("spring-pendulum", "spring-pendulum", 50.0),
    )
}


# The equations of motion ----------------------------------------------------------------------------------------------


def pendulum(c: Constants) -> Law:
    """θ″ = −(g/l) sin θ − γθ′ with p = ml²θ′."""
    inertia, gamma = c["mass"] * c["length"] ** 2, c.get("damping", mpf(0))

    def law(x: State) -> State:
        return [x[1] / inertia, -c["mass"] * c["gravity"] * c["length"] * mpmath.sin(x[0]) - gamma * x[1]]

    return law


def mass_spring(c: Constants) -> Law:
    """mq″ = −kq − γmq′ with p = mq′."""
    gamma = c.get("damping", mpf(0))
    return lambda x: [x[1] / c["mass"], -c["stiffness"] * x[0] - gamma * x[1]]


def double_pendulum(c: Constants) -> Law:
    """p = M(θ)ω, dpᵢ/dt = ½ ωᵀ(∂M/∂θᵢ)ω − ∂V/∂θᵢ, from the Lagrangian."""
    m1, m2, l1, l2, g = (c[k] for k in ("mass-1", "mass-2", "length-1", "length-2", "gravity"))

    def law(x: State) -> State:
        a, b, p1, p2 = x
        cos, sin = mpmath.cos_sin(a - b)
        m11, m12, m22 = (m1 + m2) * l1**2, m2 * l1 * l2 * cos, m2 * l2**2
        det = m11 * m22 - m12**2
        w1, w2 = (m22 * p1 - m12 * p2) / det, (m11 * p2 - m12 * p1) / det
        turn = m2 * l1 * l2 * sin * w1 * w2
        return [w1, w2, -turn - (m1 + m2) * g * l1 * mpmath.sin(a), turn - m2 * g * l2 * mpmath.sin(b)]

    return law


def gravity(masses: Sequence[Any], constant: Any) -> Law:
    """mᵢrᵢ″ = Σⱼ Gmᵢmⱼ(rⱼ − rᵢ)/|rⱼ − rᵢ|³; all x, all y, then the momenta."""
    n = len(masses)

    def law(x: State) -> State:
        rates = [x[2 * n + i] / masses[i % n] for i in range(2 * n)]
        forces = [mpf(0)] * (2 * n)
        for i in range(n):
            for j in range(i):
                dx, dy = x[j] - x[i], x[n + j] - x[n + i]
                square = dx * dx + dy * dy
                pull = constant * masses[i] * masses[j] / (square * mpmath.sqrt(square))
                for k, d in ((0, dx), (n, dy)):
                    forces[k + i] += pull * d
                    forces[k + j] -= pull * d
        return rates + forces

    return law


def duffing(c: Constants) -> Law:
    """q″ = −aq − bq³, at 1 kg."""
    return lambda x: [x[1], -c["linear"] * x[0] - c["cubic"] * x[0] ** 3]


def henon_heiles(c: Constants) -> Law:
    """x″ = −x − 2λxy, y″ = −y − λ(x² − y²)."""
    k = c["coupling"]
    return lambda s: [s[2], s[3], -s[0] - 2 * k * s[0] * s[1], -s[1] - k * (s[0] ** 2 - s[1] ** 2)]


def spring_pendulum(c: Constants) -> Law:
    """mr″ = −k(|r| − l) r/|r| − mg ŷ."""

    def law(s: State) -> State:
        x, y, px, py = s
        r = mpmath.sqrt(x * x + y * y)
        pull = -c["stiffness"] * (r - c["length"]) / r
        return [px / c["mass"], py / c["mass"], pull * x, pull * y - c["mass"] * c["gravity"]]

    return law


def law_of(system: str) -> Law:
    """Return dx/dt of a system at its default constants."""
    c = {name: mpf(value) for name, value in get_system(system).values.items()}
    if system in ("two-body", "three-body"):
        return gravity([c[f"mass-{i + 1}"] for i in range(2 if system == "two-body" else 3)], c["gravitation"])
    if system == "n-body":
        return gravity([c["mass"]] * int(c["bodies"]), c["gravitation"])
    laws = {
        "mass-spring": mass_spring,
        "damped-mass-spring": mass_spring,
        "pendulum": pendulum,
        "damped-pendulum": pendulum,
        "pixel-pendulum": pendulum,
        "double-pendulum": double_pendulum,
        "duffing": duffing,
        "henon-heiles": henon_heiles,
        "spring-pendulum": spring_pendulum,
    }
    return laws[system](c)


# Extrapolation --------------------------------------------------------------------------------------------------------


def midpoint(law: Law, x: State, first: State, step: Any, count: int) -> State:
    """Return x after `step` by `count` (even) steps of the modified midpoint rule; `first` is the field at x."""
    h = step / count
    before, now = x, [a + h * f for a, f in zip(x, first, strict=True)]
    for _ in range(count - 1):
        before, now = now, [a + 2 * h * f for a, f in zip(before, law(now), strict=True)]
    return now


def extrapolated(law: Law, x: State, step: Any, tolerance: Any) -> tuple[State, int] | None:
    """Return x after `step` and how many columns that took; None where `MOST_COLUMNS` do not meet `tolerance`."""
    first, row = law(x), []  # type: State, list[State]
    for j in range(1, MOST_COLUMNS + 1):
        new = [midpoint(law, x, first, step, 2 * j)]
        for k, above in enumerate(row, start=1):
            weight = mpf(j) ** 2 / mpf(j - k) ** 2 - 1
            new.append([a + (a - b) / weight for a, b in zip(new[-1], above, strict=True)])
        if len(new) > 1 and max(abs(a - b) for a, b in zip(new[-1], new[-2], strict=True)) < tolerance:
            return new[-1], j
        row = new
    return None


def followed(law: Law, start: Sequence[float], times: Sequence[float], tolerance: float, step: float) -> list[State]:
    """Return the states at the rising `times` in s from `start` at 0; the first step tried is `step`."""
    x, t, h, states = [mpf(value) for value in start], mpf(0), mpf(step), []
    for time in times:
        while t < time:
            size = min(h, mpf(time) - t)
            done = extrapolated(law, x, size, mpf(tolerance))
            if done is None:
                h = size / 2
                continue
            x, columns = done
            t = mpf(time) if size == mpf(time) - t else t + size
            if columns <= MOST_COLUMNS - 4 and size == h:
                h *= mpf("1.5")
        states.append(x)
    return states


# The file -------------------------------------------------------------------------------------------------------------


def load() -> dict[str, dict[str, Any]]:
    """Return what is kept: by case its `start`, its `times` and its `states`, numbers as text of `KEPT` digits."""
    kept: dict[str, dict[str, Any]] = json.loads(PATH.read_text(encoding="utf-8"))
    return kept


def main() -> None:
    """Compute all cases, or those that are named, and write the file."""
    kept = load() if PATH.exists() else {}
    with mpmath.workdps(DIGITS):
        for name, case in CASES.items():
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            law, start = law_of(case.system), case.first_state
            states, again = (followed(law, start, case.times, *how) for how in ((1e-29, 0.2), (1e-30, 0.13)))
            gap = max(abs(a - b) for one, two in zip(states, again, strict=True) for a, b in zip(one, two, strict=True))
            print(f"{name}: {mpmath.nstr(gap, 2)} between two computations", flush=True)
            assert gap < mpf(10) ** -KEPT, name
            kept[name] = {
                "start": list(start),
                "times": list(case.times),
                "states": [[mpmath.nstr(value, KEPT) for value in state] for state in again],
            }
            ordered = {n: kept[n] for n in CASES if n in kept}
            PATH.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
