"""What is asked of the process that films: what is on screen, how it is filmed, and where the film goes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.model.document import State, View
from app.model.film_plan import FilmPlan
from app.model.rollout_messages import ShownModel
from hnn_engine.progress import ProgressCallback


@dataclass(frozen=True, eq=False)
class Shown:
    """What is shown: a document's state, how it is looked at, with the shades of its runs, and which models, where
    these are not just the shown runs."""

    state: State
    view: View = field(default_factory=View)
    models: tuple[ShownModel, ...] | None = None


@dataclass(frozen=True, eq=False)
class Order:
    """What is to be filmed, how, and where it goes. `replace`: numbered pictures may take the place of others there;
    `protected`: the film that of a read-only file."""

    shown: Shown
    plan: FilmPlan
    path: Path
    replace: bool = False
    protected: bool = False


FilmWriter = Callable[[Order, ProgressCallback], None]
"""Films an order, in a thread that it is called in; the progress hears the share that is done, and what it raises ends
the work. Raises `RecordError` or another `HnnLabError` where there is no film in the end."""
