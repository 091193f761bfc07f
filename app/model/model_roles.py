"""Which of the shown models a part of the picture is about: its key, or a word where there is none.

A view names a model by its role (`hnn_engine.model_colors`): 'hnn', or 'hnn/1' for the second shown run of the family.
So a run that takes the place of another, as after a new fit, is meant where the other was.
"""

from collections.abc import Sequence

from app.model.document import View
from app.model.rollout_messages import ShownModel
from hnn_engine.model_colors import drawn_as, family_and_place


def field_key(models: Sequence[ShownModel], view: View) -> str:
    """Return the model whose field the portrait shows, or 'truth'."""
    meant = [m for m in _leads(models) if _nearness(m, view.field) < 2]
    return min(meant, key=lambda m: _nearness(m, view.field)).key if meant else "truth"


def compared_key(models: Sequence[ShownModel], view: View) -> str:
    """Return the model whose H the portrait compares with the true one, or ''.

    It is the one that is chosen for it, or else the one whose field is chosen, or else the first that has an energy.
    """
    wish = view.compared or view.field
    return _first([m for m in models if m.snapshot.has_energy], wish) if view.compare else ""


def evaluated_key(models: Sequence[ShownModel], view: View) -> str:
    """Return the model that is held to what was drawn, or ''.

    It is the one whose field is chosen, or else the first, one with an energy before one without.
    """
    return _first(models, view.field)


def debugged_key(models: Sequence[ShownModel], view: View) -> str:
    """Return the model that is debugged, or ''.

    It is the one that is chosen for it, or else the one whose field is chosen, or else the first, one with an energy
    before one without.
    """
    return _first(models, view.debugged or view.field)


def error_key(models: Sequence[ShownModel], view: View) -> str:
    """Return the model whose field the portrait holds against the true one, or '': the one that is debugged, of those
    that do not see frames."""
    able = [m for m in models if m.snapshot.autoencoder is None]
    return debugged_key(able, view) if view.error_map else ""


def latents_key(models: Sequence[ShownModel], view: View) -> str:
    """Return the model whose latents the portrait shows, or ''.

    It is the one whose field is chosen, if it sees frames, or else the first that does, one with an energy before
    one without.
    """
    return _first([m for m in models if m.snapshot.autoencoder is not None], view.field) if view.latents else ""


def _leads(models: Sequence[ShownModel]) -> list[ShownModel]:
    return [m for m in models if m.member == 0]


def _first(able: Sequence[ShownModel], wish: str) -> str:
    leads = sorted(_leads(able), key=lambda m: (_nearness(m, wish), not m.snapshot.has_energy))
    return leads[0].key if leads else ""


def _nearness(model: ShownModel, wish: str) -> int:
    """0 for the run that `wish` names, 1 for another of its family, 2 for any other."""
    if drawn_as(model.role) == drawn_as(wish):
        return 0
    return 1 if family_and_place(model.role)[0] == family_and_place(wish)[0] else 2
