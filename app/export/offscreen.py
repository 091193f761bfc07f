"""A process that draws without a display: its application, its event loop, and a stage in it."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from app.export.film import check_target, write_film
from app.export.scale import scale_of
from app.model.film_order import Order, Shown
from hnn_engine.console import say
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.progress import ProgressCallback

if TYPE_CHECKING:
    from app.export.stage import Stage

Result = TypeVar("Result")
WITH_DATA = frozenset(("portrait", "loss", "window"))  # views that show the training data, or its noise floor
LOOK = 0.1  # seconds between two calls of who listens


@dataclass(frozen=True)
class Setting:
    """Which views are painted, in how many pixels (width, height), in which theme, and whether a line of names and time
    stands over them."""

    views: tuple[str, ...]
    size: tuple[int, int]
    theme: str = "light"
    headed: bool = True


def film_offscreen(order: Order, tell: ProgressCallback) -> None:
    """Film `order`, as `write_film` does, in a process that has no application yet."""
    plan = order.plan.checked(order.shown.state.experiment.rollout.length)
    check_target(order.path, order.replace)
    setting = Setting(plan.views, plan.size, plan.theme)
    film = lambda stage: write_film(stage, plan, order.path, tell, order.replace, order.protected)  # noqa: E731
    on_stage(order.shown, setting, film, lambda: tell(0.0))


def on_stage(
    shown: Shown, setting: Setting, act: "Callable[[Stage], Result]", listen: Callable[[], object] = lambda: None
) -> Result:
    """Set up a stage without a display, let `act` do its work on it once all is computed, and return what that returns.

    `listen` is called now and then until then; what it raises ends the work. In a process without an application.
    """
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ["QT_SCALE_FACTOR"] = repr(scale_of(setting.views, setting.size))
    for name in ("QT_SCREEN_SCALE_FACTORS", "QT_AUTO_SCREEN_SCALE_FACTOR", "QT_ENABLE_HIGHDPI_SCALING"):
        os.environ.pop(name, None)
    from PySide6.QtCore import qInstallMessageHandler

    from app.style.apply import apply_theme
    from app.style.theme import THEMES
    from app.window.qt_application import make_application
    from app.workers.event_loop import event_loop

    qInstallMessageHandler(quietly)
    application = make_application(["hnn-lab"], plain=True)
    application.setQuitOnLastWindowClosed(False)
    apply_theme(application, THEMES[setting.theme])
    with asyncio.Runner(loop_factory=lambda: event_loop(application)) as runner:
        return runner.run(_played(shown, setting, act, listen))


async def _played(
    shown: Shown, setting: Setting, act: "Callable[[Stage], Result]", listen: Callable[[], object]
) -> Result:
    from app.export.stage import Stage
    from app.export.still_lab import StillLab

    await _heard(asyncio.to_thread(kernel_cache.load_compiled), listen)
    stage = Stage(
        StillLab(shown, bool(WITH_DATA.intersection(setting.views))), setting.views, setting.size, setting.headed
    )
    try:
        await _heard(stage.settle(), listen)
        return act(stage)
    finally:
        stage.close_all()
        await asyncio.sleep(0.05)


async def _heard(work: Awaitable[object], listen: Callable[[], object]) -> None:
    """Await `work`, and call `listen` meanwhile: what that raises ends the work."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            listen()
            await asyncio.wait([task], timeout=LOOK)
    finally:
        task.cancel()
    await task


def quietly(kind: object, context: object, message: str) -> None:
    """Pass Qt's messages on, but for what it says of its own offscreen platform at every start."""
    if "plugin does not support" not in message:
        say(message)
