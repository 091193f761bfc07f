"""Where the field of a model is off on the plane of the portrait, as a part of the rollouts' answers."""

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from app.model.rollout_messages import Request
from hnn_engine.phase_portrait import COARSE_GRID
from hnn_engine.snapshot import Snapshot

if TYPE_CHECKING:
    from hnn_engine.debugging.field_error import ErrorMap, FieldError


class ErrorMaps:
    """Remembers the last map and its figures until what they depend on changes. It belongs to the worker's thread."""

    def __init__(self) -> None:
        self._map: tuple[Hashable, Hashable, ErrorMap] | None = None
        self._figures: tuple[Hashable, FieldError] | None = None

    def of(self, request: Request, models: Mapping[str, Snapshot]) -> "tuple[ErrorMap | None, FieldError | None]":
        """Return the map that `request` asks for, of one of `models` by key, and its figures; None where there is none.

        The figures take longer: of weights that will be others in a moment there are none.
        """
        snapshot, data, spec = models.get(request.wrong), request.data, request.portrait
        if request.experiment.scene.timed:  # a map of one instant would be held against data of all
            return None, None
        if snapshot is None or data is None or spec is None or spec.latents or data.dof != request.experiment.scene.dof:
            return None, None
        from hnn_engine.debugging.field_error import MAP_GRID, error_map, field_error, residual_map  # not at the start

        shown = next(m for m in request.models if m.key == request.wrong)
        passing = shown.live or (shown.refits and request.preview)
        system = None if request.experiment.edits.drawn else request.experiment.moving
        of = snapshot, data, None if system is None else (type(system), system.law.tobytes())
        key, through = (
            (of, replace(spec, through=()), passing),
            () if system is None or system.dof == 1 else spec.through,
        )
        known = self._map
        if known is None or known[0] != key or (known[1] != through and not request.preview):
            grid = COARSE_GRID if passing else MAP_GRID
            periodic = request.experiment.scene.periodic
            if system is None:
                made = residual_map(snapshot, data, spec, periodic)
            else:
                made = error_map(snapshot, system, data, spec, grid)
            known = self._map = key, through, made
        if not passing and (self._figures is None or self._figures[0] != of):
            self._figures = of, field_error(snapshot, data, system)
        figures = self._figures[1] if self._figures is not None and self._figures[0] == of else None
        return known[2], figures
