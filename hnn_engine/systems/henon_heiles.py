"""Hénon and Heiles's star in a galaxy: two equal oscillators, coupled by a cubic term."""

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.parameters import Parameter
from hnn_engine.scene import Coordinate
from hnn_engine.systems.base import DataRecipe, System


class HenonHeiles(System):
    """H = ½(px² + py²) + ½(x² + y²) + λ(x²y − y³/3), at 1 kg and 1 N/m. Below E = 1/(6λ²) nothing escapes.

    Source: Hénon & Heiles, The Astronomical Journal 69, 73 (1964), with λ = 1."""

    name, title = "henon-heiles", "Hénon–Heiles"
    summary = "A star in a galaxy: calm at low energy, chaotic near the energy at which it escapes."
    constants = (Parameter("coupling", "Coupling", 1.0, 0.2, 5.0, "λ", "N/m²", "The star escapes above 1/(6λ²) J."),)
    data, horizon, separable = DataRecipe(200, 100, 20.0, 0.0, 0.2, False, False), 30.0, True

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The canonical coordinates in order, all q and then all p, with the units and ranges of their axes."""
        axes = (("x", "m", 1.1), ("y", "m", 1.1), ("px", "kg m/s", 0.7), ("py", "kg m/s", 0.7))
        return tuple(Coordinate(name, name, u, -top / self.coupling, top / self.coupling) for name, u, top in axes)

    def hamiltonian(self, coords: Array) -> Array:
        """Return H = (px² + py² + x² + y²)/2 + λ(x²y − y³/3) in J, `(..., 4) -> (...)`. Source: Hénon & Heiles 1964."""
        x, y, px, py = coords[..., 0], coords[..., 1], coords[..., 2], coords[..., 3]
        return np.asarray((px**2 + py**2 + x**2 + y**2) / 2 + self.coupling * (x**2 * y - y**3 / 3))

    @staticmethod
    def grad_hamiltonian(x: Array, c: Array, out: Array) -> None:
        """Write ∇H = (x + 2λxy, y + λ(x² − y²), px, py) into `out`, `(4, ...)` as `x`; `c`: λ in N/m²."""
        out[0] = x[0] + 2 * c[0] * x[0] * x[1]
        out[1] = x[1] + c[0] * (x[0] * x[0] - x[1] * x[1])
        out[2], out[3] = x[2], x[3]

    def sample_starts(self, rng: np.random.Generator, count: int) -> Array:
        """Draw `count` starts `(count, 4)` by `rng`, in m and kg m/s, below the escape energy and within 1/(2λ) m."""
        radius, share, place, heading = rng.uniform(size=(4, count)) * [[0.5], [1], [2 * np.pi], [2 * np.pi]]
        # V ≤ r²/2 + r³/3, which is below 1/6 wherever r < ½: what is left up to there, the star shares in as it moves.
        x, y = radius * np.cos(place), radius * np.sin(place)
        speed = np.sqrt(2 * share * (1 / 6 - (radius**2 / 2 + x**2 * y - y**3 / 3)))
        return np.stack([x, y, speed * np.cos(heading), speed * np.sin(heading)], axis=-1) / self.coupling
