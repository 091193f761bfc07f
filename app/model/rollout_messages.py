"""What goes between the window and the rollout worker: a frozen request, and the curves that answer it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.datasets import Dataset
from hnn_engine.experiment import Experiment
from hnn_engine.phase_portrait import Drawn, Missed, PortraitField, PortraitSpec, States
from hnn_engine.snapshot import Snapshot

if TYPE_CHECKING:
    from hnn_engine.debugging.field_error import ErrorMap, FieldError


@dataclass(frozen=True, eq=False)
class ShownModel:
    """A model to follow: `key` names it on screen (a run's id, or a fit's while it trains).

    Repetitions of one fit with other seeds share a `group`; the first `member` of it, 0, stands for it. `title` is its
    short name and `role` that of its colour and dash (`hnn_engine.run_identities`); a family's own until it has them.
    """

    key: str
    model: str
    title: str
    snapshot: Snapshot
    live: bool = False
    group: str = ""
    member: int = 0
    refits: bool = False  # it is fitted anew whenever the data is edited
    role: str = ""

    def __post_init__(self) -> None:
        if not self.role:
            object.__setattr__(self, "role", self.model)


@dataclass(frozen=True)
class Mark:
    """A state `at` `(2*dof,)` that is marked on the plane, in the colour of `role`, with `text` beside it. `stable`: as
    a dot, else as a cross."""

    at: tuple[float, ...]
    role: str
    text: str
    stable: bool


Marks = tuple[Mark, ...]


@dataclass(frozen=True, eq=False)
class Blob:
    """An outline that a flow carries, in the colour of `role`: `(B, P, 2*dof)` at the times `t` `(B,)` in s."""

    role: str
    t: Array
    outline: Array

    def at(self, time: float) -> Array:
        """Return the outline `(P, 2*dof)` at `time` in s, linear in between."""
        i = int(np.clip(np.searchsorted(self.t, time, side="right") - 1, 0, len(self.t) - 2))
        share = float(np.clip((time - self.t[i]) / (self.t[i + 1] - self.t[i]), 0.0, 1.0))
        return np.asarray(self.outline[i] + share * (self.outline[i + 1] - self.outline[i]))


@dataclass(frozen=True, eq=False)
class Request:
    """What is to be computed."""

    experiment: Experiment
    models: tuple[ShownModel, ...]
    portrait: PortraitSpec | None
    field_of: str  # 'truth' or the key of a model
    arrows: bool
    contours: bool
    preview: bool
    energy_of: str = "reference"
    compared: str = ""  # the key of the model whose H is compared with the true one, or ''
    wrong: str = ""  # the key of the model whose field is held against the true one, or ''
    data: Dataset | None = None  # on which that is done
    states: States | None = None  # some of the training data
    drawn: Drawn | None = None  # rows that were drawn with the mouse
    evaluated: str = ""  # the key of the model that is to follow them, or ''
    twin: bool = False  # truth and models are also followed from a start a hair from the first
    urgent: bool = True  # asked by a hand: it interrupts a full request that is under way
    time: float = 0.0  # of the world in s, at which fields are drawn of what depends on it
    asked: float = 0.0  # perf_counter when the mouse moved


@dataclass(frozen=True, eq=False)
class RolloutCurve:
    """One rollout and what is plotted of it. `key` is 'truth' or the model's; NaN where unknown."""

    key: str
    model: str
    title: str
    t: Array
    coords: Array
    drift: Array
    error: Array  # at `error_t`
    error_t: Array
    ended: float = float("nan")
    note: str = ""
    live: bool = False
    measured: bool = False
    gap: float | None = None  # after a way there and back, see `gap_after_return`
    group: str = ""
    member: int = 0  # of its group; the first stands for it
    own: Array = field(default_factory=lambda: np.empty(0))  # drift of the model's own H, where it is wanted and known
    in_step: int | None = None  # painted frames before the first out of step with truth; None where there are none
    frames: int = 0  # that are painted along it
    apart: Array = field(default_factory=lambda: np.empty(0))  # from its own rollout of a start a hair away, at `t`
    role: str = ""  # of its colour and dash, as `ShownModel.role`

    def __post_init__(self) -> None:
        if not self.role:
            object.__setattr__(self, "role", self.model)

    def state_at(self, t: float) -> Array:
        """Return the coords `(2*dof,)` at `t` s, linear between samples; NaN where the rollout has ended."""
        times, coords = self.t, self.coords
        i = int(np.searchsorted(times, t, side="right")) - 1
        if i >= len(times) - 1 and t > times[-1] + 1e-9:
            return np.full(coords.shape[1], np.nan)
        i = min(max(i, 0), max(len(times) - 2, 0))
        j = min(i + 1, len(times) - 1)
        share = min(max((t - times[i]) / (times[j] - times[i]), 0.0), 1.0) if j > i else 0.0
        state: Array = coords[i] + share * (coords[j] - coords[i])
        return state


@dataclass(frozen=True, eq=False)
class Answer:
    """The tracks that a request asked for, truth first where there is one. `scale` is E of its start, NaN without H."""

    request: Request
    truth: RolloutCurve | None
    models: tuple[RolloutCurve, ...]
    field: PortraitField | None
    seconds: float
    scale: float = float("nan")
    encoded_truth: Array | None = None  # truth as the model encodes it whose latents the portrait shows, `(T, 2)`
    missed: Missed | None = None  # which drawn rows the evaluated model does not fit
    error_map: "ErrorMap | None" = None  # where the field of `request.wrong` is off
    field_error: "FieldError | None" = None  # and how far, within the data and above it; None of what still changes
    twin: RolloutCurve | None = None  # truth from a start a hair away
    known_until: float = float("nan")  # s up to which truth is known to a pixel; inf for all of it, NaN if not computed

    def shown(self, key: str) -> ShownModel | None:
        """Return the model of the request with this `key`, or None."""
        return next((model for model in self.request.models if model.key == key), None)

    @property
    def leads(self) -> tuple[RolloutCurve, ...]:
        """The rollouts of models without the repetitions of each."""
        return tuple(track for track in self.models if track.member == 0)

    def band(self, lead: RolloutCurve) -> tuple[RolloutCurve, ...]:
        """The repetitions of a model, `lead` among them; it alone where there are no others."""
        return tuple(t for t in self.models if t is lead or (lead.group and t.group == lead.group))
