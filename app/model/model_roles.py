"""Which of the shown models a part of the picture is about: its key, or a word where there is none."""

from collections.abc import Sequence

from app.model.document import View
from app.model.rollout_messages import ShownModel


def field_key(models: Sequence[ShownModel], view: View) -> str:
    """Return the model whose field the portrait shows, or 'truth'."""
    return next((m.key for m in models if m.model == view.field), "truth")


def compared_key(models: Sequence[ShownModel], view: View) -> str:
    """Return the model whose H the portrait compares with the true one, or ''.

    It is the one whose field is chosen, or else the first that has an energy.
    """
    return _first([m for m in models if m.snapshot.has_energy], view) if view.compare else ""


def evaluated_key(models: Sequence[ShownModel], view: View) -> str:
    """Return the model that is held to what was drawn, or ''.

    It is the one whose field is chosen, or else the first, one with an energy before one without.
    """
    return _first(models, view)


def latents_key(models: Sequence[ShownModel], view: View) -> str:
    """Return the model whose latents the portrait shows, or ''.

    It is the one whose field is chosen, if it sees frames, or else the first that does, one with an energy before
    one without.
    """
    return _first([m for m in models if m.snapshot.autoencoder is not None], view) if view.latents else ""


def _first(able: Sequence[ShownModel], view: View) -> str:
    leads = sorted((m for m in able if m.member == 0), key=lambda m: (m.model != view.field, not m.snapshot.has_energy))
    return leads[0].key if leads else ""
