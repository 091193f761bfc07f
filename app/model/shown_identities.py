"""Who the shown models are: to each its short name and the role of its colour and dash, as everything on screen and
every exported picture has them."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from app.model.rollout_messages import ShownModel
from hnn_engine.experiment import Experiment
from hnn_engine.run_identities import Described, Identity, Places, identities

if TYPE_CHECKING:
    from hnn_engine.records import Run

Asked = Callable[[ShownModel], Experiment]


class ShownIdentities:
    """Names models; what was found out for the same models among the same runs is kept."""

    def __init__(self) -> None:
        self._made: tuple[Hashable, dict[str, Identity]] = ((), {})
        self._described: dict[str, tuple[Run, Described]] = {}

    def of(self, key: str) -> Identity | None:
        """Return who the model of this `key` is, of those that were named last."""
        return self._made[1].get(key)

    def named(
        self, models: Sequence[ShownModel], runs: "Sequence[Run]", asked: Asked, places: Places
    ) -> tuple[ShownModel, ...]:
        """Return `models`, all that are shown, with their names and roles. `runs` are all of the session that could be
        shown, oldest first; `asked` returns the experiment of a model that is no run yet."""
        told = tuple((m.key, m.group, m.member, m.live or m.refits) for m in models)
        key = places, told, tuple(runs)
        if self._made[0] != key:
            self._made = key, self._identities(models, runs, asked, places)
        found = self._made[1]
        return tuple(replace(m, title=found[m.key].name, role=found[m.key].role) for m in models)

    def _identities(
        self, models: Sequence[ShownModel], runs: "Sequence[Run]", asked: Asked, places: Places
    ) -> dict[str, Identity]:
        known = {run.id: self._describe(run, order) for order, run in enumerate(runs)}
        self._described = {key: self._described[key] for key in known}
        groups: dict[str, list[ShownModel]] = {}
        for model in models:
            groups.setdefault(model.group or model.key, []).append(model)
        ensembles = [sorted(group, key=lambda m: m.member) for group in groups.values()]
        shown = []
        for group in ensembles:
            lead, keys = group[0], tuple(m.key for m in group)
            fresh = Described(keys, lead.model, asked(lead), order=len(runs)) if lead.key not in known else None
            shown.append(fresh or (known[lead.key] if len(keys) == 1 else replace(known[lead.key], keys=keys)))
        hidden = [one for key, one in known.items() if all(key != m.key for m in models)]
        found = identities(shown, places, hidden)
        return {m.key: identity for group, identity in zip(ensembles, found, strict=True) for m in group}

    def _describe(self, run: "Run", order: int) -> Described:
        """Return what tells `run` apart, anew only where it has changed: words for its settings take a while."""
        before, described = self._described.get(run.id, (None, None))
        if before is None or described is None or (before.title, described.order) != (run.title, order):
            after = f"after {run.started_from.title.partition(' · ')[2]}" if run.started_from is not None else ""
            note = ", ".join(part for part in (after, "" if run.ending == "finished" else run.ending) if part)
            described = Described((run.id,), run.snapshot.model, run.experiment, run.title, note, order)
        self._described[run.id] = (run, described)
        return described
