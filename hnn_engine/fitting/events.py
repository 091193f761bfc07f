"""What a fit says while it runs, and the interface that every recipe keeps.

On each way of ending the sequence is
  finish  Started (Progress | Evaluated)* Finished
  stop    Started (Progress | Evaluated)* Cancelled
  failure Started (Progress | Evaluated)* Failed
and the last event carries the snapshot to keep. Events depend on the step count only, never on the clock.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hnn_engine.coords import Array, Index, Mask, with_clock, with_clock_rates
from hnn_engine.datasets import Dataset
from hnn_engine.fitting.backend_choice import loaded_backend
from hnn_engine.models.base import CLOCK
from hnn_engine.parameters import Value
from hnn_engine.snapshot import Snapshot


@dataclass(frozen=True)
class FitTask:
    """What to fit: a model with its settings, on data, by a recipe's settings, from a seed.

    `known` is what the model is told of the scene (`Model.known`): no step changes it. `start`: an earlier fit of the
    same architecture, which this one begins at; None: at fresh weights. `backend`: one of `backend_choice.BACKENDS`.
    """

    model: str
    model_settings: Mapping[str, Value]
    data: Dataset
    settings: Mapping[str, Value]
    seed: int
    known: Mapping[str, Array] = field(default_factory=dict)
    start: Snapshot | None = None
    backend: str = field(default_factory=loaded_backend)

    @property
    def timed(self) -> bool:
        """Whether the model is given time as an input."""
        return bool(self.model_settings.get(CLOCK))

    @property
    def dof(self) -> int:
        """Degrees of freedom of the model: those of the data, and one of time where it sees that."""
        return self.data.dof + self.timed

    def seen(self, states: Array, rows: Index | Mask) -> Array:
        """Return `states` `(n, 2*data.dof)`, those of the `rows` of the data, as the model sees them `(n, 2*dof)`."""
        return with_clock(states, self.data.t[rows]) if self.timed else states

    def rates(self, rows: Index | Mask) -> Array:
        """Return the derivatives of the `rows` of the data as the model gives them, `(n, 2*dof)`."""
        rates = self.data.dcoords[rows]
        return with_clock_rates(rates) if self.timed else rates


@dataclass(frozen=True)
class Started:
    """The fit begins; it takes at most `steps` steps."""

    steps: int


@dataclass(frozen=True)
class Progress:
    """One step is done; `train_loss` is that of its rows before the step."""

    step: int
    train_loss: float


@dataclass(frozen=True)
class Evaluated:
    """The loss on (at most `LIVE_TEST_ROWS` of) the test rows after `step` steps."""

    step: int
    test_loss: float


@dataclass(frozen=True)
class Finished:
    """The fit ended by itself. `reason` says how."""

    step: int
    snapshot: Snapshot
    reason: str


@dataclass(frozen=True)
class Cancelled:
    """The fit was stopped; `snapshot` is what it had reached."""

    step: int
    snapshot: Snapshot


@dataclass(frozen=True)
class Failed:
    """The fit could not go on. `snapshot` holds the last good weights where there are any."""

    step: int
    snapshot: Snapshot | None
    message: str
    details: str = ""


Event = Started | Progress | Evaluated | Finished | Cancelled | Failed
End = Finished | Cancelled | Failed


class Fit(Protocol):
    """A fit under way."""

    @property
    def seconds(self) -> float:
        """Time in s spent in the recipe itself so far: without pauses, snapshots and what is done with the events."""

    def events(self) -> Iterator[Event]:
        """Run the fit; each `next` does one step's work."""

    def stop(self) -> None:
        """End with `Cancelled` at the next event."""

    def snapshot(self) -> Snapshot:
        """Freeze the present weights; draws no random number and changes nothing. Call it between events."""
