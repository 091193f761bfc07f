"""The document: what is on screen, its undo history, its path. One source of truth for every panel."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from hnn_engine.errors import HnnLabError
from hnn_engine.experiment import Experiment, checked, same_system, without_strange_hand
from hnn_engine.fitting import get_recipe
from hnn_engine.fitting.network_sizes import SIZE
from hnn_engine.models.base import NETWORK_PARAMETERS
from hnn_engine.parameters import Value, bind
from hnn_engine.run_identities import MOST_PLACES, Places, read_places

if TYPE_CHECKING:  # what reads and writes files is loaded when the first file is
    from hnn_engine.records import Run, Session

UNDO_LIMIT = 200
MOST_SEEDS = 9  # repetitions of a fit
MOST_AXES = 1_000  # the last coordinate that a file may name
LONGEST_NAME = 200  # characters


@dataclass(frozen=True, eq=False)
class State:
    """One moment of the document: the experiment, the runs, and which of them are shown. Edits make new states."""

    experiment: Experiment
    runs: tuple["Run", ...] = ()
    shown: frozenset[str] = frozenset()

    def applicable(self) -> "list[Run]":
        """The shown runs that fit the system on screen, oldest first."""
        return [r for r in self.runs if r.id in self.shown and same_system(r.experiment, self.experiment)]


ENERGY_OF = ("reference", "learned", "both")
TOOLS = ("start", "draw", "move", "erase", "band", "heal")
ERROR_SCALES = ("relative-log", "relative", "absolute-log", "absolute")
_SIZE_PARAMETERS = tuple(p for p in NETWORK_PARAMETERS if p.name in SIZE)
ON_DISK = {"warm_start": "polish"}  # fields of a view that have another name in session files


@dataclass(frozen=True)
class BeforeLive:
    """What a live fit has changed, as it was: the recipe with its settings for `source`, and the size of the networks
    by model. Its end puts it back."""

    source: str
    recipe: str
    settings: dict[str, Value]
    sizes: dict[str, dict[str, Value]]

    def as_list(self) -> list[Value]:
        """Names and values in turn, as a view in a session file may hold them: no deeper than a list."""
        named: dict[str, Value] = {"source": self.source, "recipe": self.recipe}
        named |= {f"settings.{name}": value for name, value in self.settings.items()}
        named |= {f"{model}.{name}": value for model, size in self.sizes.items() for name, value in size.items()}
        return [part for pair in named.items() for part in pair]

    @staticmethod
    def from_list(values: object) -> "BeforeLive | None":
        """Read what `as_list` wrote; None where it is no such thing, or holds what a recipe or a network cannot be."""
        if not isinstance(values, list) or len(values) % 2:
            return None
        named = dict(zip(map(str, values[::2]), values[1::2], strict=True))
        source, recipe = str(named.pop("source", "")), str(named.pop("recipe", ""))
        groups: dict[str, dict[str, object]] = {"settings": {}}
        for name, value in named.items():
            group, _, own = name.rpartition(".")
            groups.setdefault(group, {})[own] = value
        try:
            settings = bind(get_recipe(recipe).parameters, groups.pop("settings"), "the recipe")
            sizes = {model: bind(_SIZE_PARAMETERS, size, "the network") for model, size in groups.items()}
        except HnnLabError:
            return None
        return BeforeLive(source[:LONGEST_NAME], recipe, settings, sizes)


@dataclass(frozen=True)
class View:
    """How the document is looked at: saved with it, but no edit."""

    axes: tuple[int, int] | None = None  # of the portrait; None shows the first coordinate with its momentum
    field: str = "truth"  # whose vector field and contours: 'truth' or the role of a run (`model_roles`)
    arrows: bool = True
    contours: bool = True
    data: bool = True
    compare: bool = False  # a learned H with the true one, in the portrait
    compared: str = ""  # the role of the run whose H that is; empty: the one whose field is shown
    error_map: bool = False  # a learned field with the true one, in the portrait
    error_scale: str = ERROR_SCALES[0]  # of the colours of that
    error_part: int = -1  # which component of the field it is about; −1: all together
    debugged: str = ""  # the role of the run that is debugged; empty: the one whose field is shown
    debug_view: str = ""  # which view of it is shown, of those to choose from; empty: none yet
    latents: bool = False  # the portrait shows the latents of a model that sees frames
    energy_of: str = "reference"  # by the true H (a recording's reference), by the models' own, or by both: `ENERGY_OF`
    speed: float = 1.0
    live_fit: bool = False  # models are fitted anew with every change
    before_live: BeforeLive | None = None
    warm_start: bool = False  # a fit begins at the shown runs, and not at fresh weights
    tool: str = "start"  # what the mouse does on the portrait: `TOOLS`
    seeds: int = 1  # how many times a fit is repeated, each with data and weights of its own
    twin: bool = False  # truth and models also from a second start, a hair from the first
    places: tuple[tuple[str, int], ...] = ()  # in files alone: of shown runs, among those of their family

    def as_dict(self) -> dict[str, Any]:
        """Plain values for the session file."""
        return {ON_DISK.get(k, k): _plain(v) for k, v in self.__dict__.items()}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "View":
        """Read what `as_dict` wrote, ignoring what this program does not know."""
        view = View()
        for name in ("field", "compared", "debugged", "debug_view"):
            if isinstance(values.get(name), str):
                view = replace(view, **{name: values[name][:LONGEST_NAME]})
        for name in ("arrows", "contours", "data", "compare", "error_map", "latents", "live_fit", "warm_start", "twin"):
            key = ON_DISK.get(name, name)
            if isinstance(values.get(key), bool):
                view = replace(view, **{name: values[key]})
        if view.live_fit:
            view = replace(view, before_live=BeforeLive.from_list(values.get("before_live")))
        if values.get("energy_of") in ENERGY_OF:
            view = replace(view, energy_of=values["energy_of"])
        if values.get("error_scale") in ERROR_SCALES:
            view = replace(view, error_scale=values["error_scale"])
        if _is_whole(values.get("error_part"), -1, MOST_AXES):
            view = replace(view, error_part=values["error_part"])
        axes, speed = values.get("axes"), values.get("speed")
        if isinstance(axes, list) and len(axes) == 2 and all(_is_whole(a, 0, MOST_AXES) for a in axes):
            view = replace(view, axes=(axes[0], axes[1]))
        if isinstance(speed, int | float) and not isinstance(speed, bool) and 0 < speed <= 16:
            view = replace(view, speed=float(speed))
        if _is_whole(values.get("seeds"), 1, MOST_SEEDS):
            view = replace(view, seeds=values["seeds"])
        return replace(view, places=read_places(values.get("places")))


def _plain(value: Any) -> Any:
    if isinstance(value, BeforeLive):
        return value.as_list()
    if isinstance(value, tuple):
        return [part for one in value for part in (one if isinstance(one, tuple) else (one,))]
    return value


def _is_whole(value: object, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


@dataclass
class _Step:
    state: State
    label: str
    gesture: object = None
    redo: tuple["_Step", ...] = ()  # what could be brought back when the gesture began


class Document(QObject):
    """The current state, undo and redo, the dirty flag and the path.

    `changed(old, new)` follows every change of the state; `view_changed(old, new)` every change of the view;
    `title_changed()` when the path or the dirty flag may differ.
    """

    changed = Signal(object, object)
    view_changed = Signal(object, object)
    title_changed = Signal()

    def __init__(self, state: State, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self.view = View()
        self.places = Places()  # which shade of its family each run has had
        self.path: Path | None = None
        self.suggestion: Path | None = None  # where to save what has no path
        self._undo: list[_Step] = []
        self._redo: list[_Step] = []
        self._saved: State | None = state

    @property
    def experiment(self) -> Experiment:
        """The experiment on screen."""
        return self.state.experiment

    @property
    def dirty(self) -> bool:
        """Whether anything changed since the last save."""
        return self.state is not self._saved

    @property
    def undo_label(self) -> str:
        """What undo would take back, or an empty string."""
        return self._undo[-1].label if self._undo else ""

    @property
    def redo_label(self) -> str:
        """What redo would bring back, or an empty string."""
        return self._redo[-1].label if self._redo else ""

    # Edits ------------------------------------------------------------------------------------------------------------

    def edit(self, experiment: Experiment, label: str, gesture: object = None) -> None:
        """Make `experiment` the current one, checked; raises an `HnnLabError` and changes nothing where it is bad.

        Edits with the same `gesture` (anything but None) are one undo step. Edits of the data stay
        with that data: it is never carried along to another system or recording.
        """
        new = checked(without_strange_hand(experiment, self.experiment), self.experiment)
        if new != self.experiment:
            self._apply(replace(self.state, experiment=new), label, gesture)

    def edit_runs(self, runs: "tuple[Run, ...]", shown: frozenset[str], label: str) -> None:
        """Rename, show, hide or delete runs."""
        self._apply(replace(self.state, runs=runs, shown=shown), label, None)

    def _apply(self, state: State, label: str, gesture: object) -> None:
        old = self.state
        merges = gesture is not None and self._undo and self._undo[-1].gesture is gesture
        if not merges:
            self._undo.append(_Step(old, label, gesture, tuple(self._redo)))
            del self._undo[:-UNDO_LIMIT]
        self._redo.clear()
        self._set(state)

    def _set(self, state: State) -> None:
        old, self.state = self.state, state
        self.changed.emit(old, state)
        self.title_changed.emit()

    def cancel(self, gesture: object) -> None:
        """Take back everything that `gesture` has changed, as if it had not begun."""
        if self._undo and self._undo[-1].gesture is gesture:
            step = self._undo.pop()
            self._redo = list(step.redo)
            self._set(step.state)

    def undo(self) -> None:
        """Take back the last edit."""
        if self._undo:
            step = self._undo.pop()
            self._redo.append(_Step(self.state, step.label))
            self._set(step.state)

    def redo(self) -> None:
        """Bring back the last edit that was taken back."""
        if self._redo:
            step = self._redo.pop()
            self._undo.append(_Step(self.state, step.label))
            self._set(step.state)

    def add_run(self, run: "Run", hide: frozenset[str]) -> None:
        """Keep a finished fit and show it in place of `hide`. No edit: undo goes on as if it had always been there.

        Where it was kept before and deleted since, it is there once.
        """

        def with_run(state: State) -> State:
            if any(kept.id == run.id for kept in state.runs):
                return state
            return replace(state, runs=(*state.runs, run), shown=(state.shown - hide) | {run.id})

        self._map_history(with_run)
        self._set(with_run(self.state))

    def set_figures(self, evaluated: "Run") -> None:
        """Give the run of the id of `evaluated` its figures, in the whole history: undo takes them from none."""

        def with_figures(state: State) -> State:
            if all(run.id != evaluated.id or run.figures is evaluated.figures for run in state.runs):
                return state
            runs = tuple(
                replace(run, figures=evaluated.figures) if run.id == evaluated.id else run for run in state.runs
            )
            return replace(state, runs=runs)

        self._map_history(with_figures)
        new = with_figures(self.state)
        if new is not self.state:
            self._set(new)

    def _map_history(self, change: Callable[[State], State]) -> None:
        for step in (*self._undo, *self._redo):
            step.state = change(step.state)

    def set_view(self, **changes: Any) -> None:
        """Change how the document is looked at."""
        old, self.view = self.view, replace(self.view, **changes)
        if old != self.view:
            self.view_changed.emit(old, self.view)

    # Files ------------------------------------------------------------------------------------------------------------

    def reset(self, state: State, path: Path | None, view: View | None = None, saved: bool = True) -> None:
        """Begin anew from `state`, with no history; not `saved`, it has changes from the beginning."""
        self._undo.clear()
        self._redo.clear()
        self.path, self.suggestion = path, None
        self._saved = state if saved else None
        new = view or View()
        self.places = Places(new.places)
        self.set_view(**{**new.__dict__, "live_fit": False, "before_live": None, "places": ()})
        self._set(state)
        self.set_view(live_fit=new.live_fit, before_live=new.before_live)  # of the state that is there by now

    def mark_saved(self, state: State, path: Path) -> None:
        """Note that `state` now stands at `path`."""
        self._saved, self.path = state, path
        self.title_changed.emit()

    def session(self) -> "Session":
        """Return what is to be saved."""
        from hnn_engine.records import Session

        state = self.state
        return Session(state.experiment, state.runs, tuple(sorted(state.shown)), self.view_to_keep())

    def view_to_keep(self) -> dict[str, Any]:
        """Return the view as files keep it: with the places of the shown runs among those of their families."""
        ids = [run.id for run in self.state.runs if run.id in self.state.shown][-MOST_PLACES:]
        return replace(self.view, places=self.places.of(ids)).as_dict()


def state_of(session: "Session") -> State:
    """Return the state that `session` holds."""
    return State(session.experiment, session.runs, frozenset(session.shown))


__all__ = ["Document", "State", "View", "state_of"]
