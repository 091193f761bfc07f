"""The models, in an explicit table. Adding one is a new file and a line here."""

from hnn_engine.errors import UnknownNameError
from hnn_engine.models.base import Model
from hnn_engine.models.baseline import Baseline
from hnn_engine.models.conservative_hnn import ConservativeHnn
from hnn_engine.models.dissipative_hnn import DissipativeHnn
from hnn_engine.models.hnn import Hnn
from hnn_engine.models.mixed_hnn import MixedHnn
from hnn_engine.models.pixels import PixelBaseline, PixelHnn
from hnn_engine.models.second_order import SecondOrder
from hnn_engine.models.separable_hnn import SeparableHnn

MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Baseline(),
        Hnn(),
        SecondOrder(),
        SeparableHnn(),
        DissipativeHnn(),
        ConservativeHnn(),
        MixedHnn(),
        PixelBaseline(),
        PixelHnn(),
    )
}


def get_model(name: str) -> Model:
    """Return the family `name`; raise `UnknownNameError`."""
    if name not in MODELS:
        raise UnknownNameError("model", name, MODELS)
    return MODELS[name]


__all__ = ["MODELS", "Model", "get_model"]
