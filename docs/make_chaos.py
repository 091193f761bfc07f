"""From which energy on the double pendulum is chaotic: `python docs/make_chaos.py`, some minutes.

For each of some energies, states are drawn evenly from all that have it (by the Liouville measure), and their largest
Lyapunov exponents are estimated: two motions a small distance apart are followed, the distance is set back every
second, and its growth averaged. A regular motion's estimate falls as ln(T)/T; what stays above `CHAOTIC` is counted as
chaotic. The table between the marks of docs/properties.md is written anew.
"""

import argparse
from pathlib import Path

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.systems import get_system
from hnn_engine.systems.double_pendulum import DoublePendulum

PAGE = Path(__file__).parent / "properties.md"
BEGIN, END = "<!-- chaos: begin, by docs/make_chaos.py -->", "<!-- chaos: end -->"
ENERGIES = (2.0, 5.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0)  # J
COUNT, SECONDS, DT = 200, 100, 0.01  # states of each energy; how long they are followed, and by which steps of RK4, s
APART = 1e-7
CHAOTIC = 0.1  # 1/s; ln(T)/T, which the estimate of a regular motion comes to, is 0.046


def states_of(system: DoublePendulum, energy: float, count: int, rng: np.random.Generator) -> Array:
    """Draw `count` states `(count, 4)` of this energy: angles with the density √det M, momenta in all directions."""
    found: list[Array] = []
    while len(found) < count:
        q = rng.uniform(-np.pi, np.pi, 2)
        mass = system._inertia(np.array([*q, 0.0, 0.0]))
        left = energy - float(system.hamiltonian(np.array([*q, 0.0, 0.0])))
        upper = system.mass_2 * (system.mass_1 + system.mass_2) * (system.length_1 * system.length_2) ** 2
        if left > 0 and rng.uniform() < np.sqrt(np.linalg.det(mass) / upper):
            way = rng.uniform(0.0, 2 * np.pi)
            p = np.sqrt(2 * left) * np.linalg.cholesky(mass) @ [np.cos(way), np.sin(way)]
            found.append(np.array([*q, *p]))
    return np.array(found)


def exponents(system: DoublePendulum, states: Array, seconds: int, dt: float, rng: np.random.Generator) -> Array:
    """Return an estimate of the largest Lyapunov exponent from each of `states` `(N, 4)`, in 1/s, `(N,)`."""
    offsets = rng.standard_normal(states.shape)
    offsets *= APART / np.linalg.norm(offsets, axis=-1, keepdims=True)
    x, grown = np.concatenate([states, states + offsets]), np.zeros(len(states))
    for _ in range(seconds):
        for _ in range(round(1.0 / dt)):
            k1 = system.field(x)
            k2 = system.field(x + dt / 2 * k1)
            k3 = system.field(x + dt / 2 * k2)
            x = x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + system.field(x + dt * k3))
        one, other = np.split(x, 2)
        gap = other - one
        size = np.linalg.norm(gap, axis=-1, keepdims=True)
        grown += np.log(size[:, 0] / APART)
        x = np.concatenate([one, one + gap * (APART / size)])
    return grown / seconds


def table(energies: tuple[float, ...], count: int, seconds: int) -> str:
    """Return the table of the page."""
    system, rng = get_system("double-pendulum"), np.random.default_rng(0)
    assert isinstance(system, DoublePendulum)
    lines = ["| H, J | of the scale | chaotic | median exponent of these, 1/s |", "|---|---|---|---|"]
    for energy in energies:
        found = exponents(system, states_of(system, energy, count, rng), seconds, DT, rng)
        chaotic = found[found > CHAOTIC]
        middle = f"{np.median(chaotic):.2f}" if len(chaotic) else "–"
        share, scale = 100 * len(chaotic) / count, energy / sum(system.weight_moments)
        words = "under 1 %" if 0 < share < 1 else f"{share:.0f} %"
        lines.append(f"| {energy:g} | {scale:.2f} | {words} | {middle} |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> None:
    """Compute the table and write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    options = parser.parse_args()
    made = table(ENERGIES, options.count, options.seconds)
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
