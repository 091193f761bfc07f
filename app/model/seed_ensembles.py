"""Which shown runs are one fit repeated with other seeds."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.model.rollout_messages import ShownModel
from hnn_engine.models import get_model

if TYPE_CHECKING:
    from hnn_engine.records import Run

_APART = ("seed", "start", "rollout")  # what repetitions of a fit may differ in


class SeedEnsembles:
    """Groups runs by all that their fits were asked for but the seed. What was found out once is kept."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def grouped(self, runs: "Sequence[Run]") -> list[ShownModel]:
        """Return the models of `runs` to follow; within an ensemble the lowest seed stands for it."""
        ensembles: dict[str, list[Run]] = {}
        for run in runs:
            name = self._name(run)
            while any(run.experiment.seed == other.experiment.seed for other in ensembles.get(name, ())):
                name += "'"  # the same fit twice is no repetition with other luck
            ensembles.setdefault(name, []).append(run)
        found: dict[str, ShownModel] = {}
        for name, ensemble in ensembles.items():
            seeds = sorted(ensemble, key=lambda run: run.experiment.seed)
            for member, run in enumerate(seeds):
                model = run.snapshot.model
                found[run.id] = ShownModel(
                    run.id, model, get_model(model).title, run.snapshot, group=name, member=member
                )
        return [found[run.id] for run in runs]

    def _name(self, run: "Run") -> str:
        if run.id not in self._names:
            from hnn_engine.experiment import to_json

            asked = {key: value for key, value in to_json(run.experiment).items() if key not in _APART}
            recording = id(run.experiment.recording) if run.experiment.recording is not None else 0
            alone = "" if run.ending == "finished" else run.id
            self._names[run.id] = json.dumps([asked, recording, alone], sort_keys=True)
        return self._names[run.id]
