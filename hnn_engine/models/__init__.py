"""The models, in an explicit table. Adding one is a new file and a line here."""

from hnn_engine.errors import UnknownNameError
from hnn_engine.models.base import Model
from hnn_engine.models.baseline import Baseline
from hnn_engine.models.hnn import Hnn

MODELS: dict[str, Model] = {model.name: model for model in (Baseline(), Hnn())}


def get_model(name: str) -> Model:
    """Return the family `name`; raise `UnknownNameError`."""
    if name not in MODELS:
        raise UnknownNameError("model", name, MODELS)
    return MODELS[name]


__all__ = ["MODELS", "Model", "get_model"]
