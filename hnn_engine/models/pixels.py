"""Models that see frames alone: an autoencoder finds two latents, a perceptron moves them.

From one frame to the next, z′ = z + f(z). The latents are whatever serves best; an affine map fitted afterwards takes
them to the angle and its momentum, z → x = z M + c. In those coordinates f is again a field of the same family, so a
fitted model is followed, drawn and evaluated there like any other.
"""

from typing import Any, ClassVar

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.models.autoencoder import autoencoder_shapes, initial_autoencoder
from hnn_engine.models.base import NETWORK_PARAMETERS, Model, Settings
from hnn_engine.models.baseline import Baseline
from hnn_engine.models.hnn import Hnn
from hnn_engine.models.mlp import Weights
from hnn_engine.parameters import Parameter
from hnn_engine.scene import Scene

FIELD_SHARE = 0.1  # of the mean of (z′ − z − f(z))² in the loss
FEATURES = Parameter(
    "features", "Encoder width", 200, 8, 1000, help="Units in each hidden layer of the autoencoder; the paper has 200.",
    acts="fit",
)  # fmt: skip


class PixelModel(Model):
    """A family whose coordinates are latents of pairs of frames."""

    observes_frames: ClassVar[bool] = True
    parameters: ClassVar[tuple[Parameter, ...]] = (*NETWORK_PARAMETERS, FEATURES)

    def why_not(self, scene: Scene) -> str:
        """Return why the model does not apply to `scene`: where no camera sees it."""
        return "" if scene.observed else f"The {self.title} needs frames, and this system is not observed as frames"

    def autoencoder_shapes(self, settings: Settings, size: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the autoencoder's weights, for pairs of frames of `size`² pixels."""
        return autoencoder_shapes(2 * size**2, int(settings["features"]))

    def initial_autoencoder(self, settings: Settings, numbers: int, rng: np.random.Generator) -> Weights:
        """Draw fresh weights, float32, of an autoencoder of so many `numbers` by `rng`."""
        return initial_autoencoder(numbers, int(settings["features"]), rng)

    def moved(self, weights: Weights, matrix: Array, offset: Array, seconds: float) -> Weights:
        """Return the weights of the same field in coordinates x = z @ `matrix` + `offset`, `(2, 2)` and `(2,)`,
        float64.

        Its time is counted in units of which one of the old is `seconds`. f(x) = f(z) M / `seconds`, and of a gradient
        J∇H(z) M = J∇(H det M)(x). Raises `numpy.linalg.LinAlgError` where the matrix is singular, which `fit_map`
        prevents.
        """
        wide: dict[str, Any] = {name: np.asarray(w, dtype=np.float64) for name, w in weights.items()}
        wide["w0"] = np.linalg.solve(matrix, wide["w0"])
        wide["b0"] = wide["b0"] - offset @ wide["w0"]
        (term,) = self._usual_terms
        if term.output is None:
            moved = wide["out"] @ matrix
        else:  # any affine map of the plane is canonical but for a factor: J∇H(z) M = J∇(H det M)(x)
            assert term.energy
            moved = wide["out"] * np.linalg.det(matrix)
        return {**wide, "out": moved / seconds}


class PixelBaseline(PixelModel, Baseline):
    """f = MLP(z), on latents."""

    name: ClassVar[str] = "pixel-baseline"
    title: ClassVar[str] = "Pixel baseline"
    summary: ClassVar[str] = (
        "Trained on frames; a plain network gives the motion of the two latents of its autoencoder."
    )


class PixelHnn(PixelModel, Hnn):
    """f = J∇H(z), on latents. In x it is J∇(H·det M): any affine map of the plane is canonical but for a factor."""

    name: ClassVar[str] = "pixel-hnn"
    title: ClassVar[str] = "Pixel HNN"
    summary: ClassVar[str] = "Trained on frames; its H gives the motion of the two latents of its autoencoder."
