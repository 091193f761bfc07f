"""`hnn-lab screenshot`: the real window, or one of its panels, drawn into a file without a display."""

import argparse
import asyncio
import math
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hnn_engine.atomic_write import check_file, told, write_file
from hnn_engine.console import say
from hnn_engine.disk import operations
from hnn_engine.errors import HnnLabError, ParameterError, choice, shortened

if TYPE_CHECKING:
    from app.model.document import State, View
    from app.window.main_window import MainWindow

SETTLE_SECONDS = 30.0
PANELS = ("scene", "frames", "portrait", "energy", "error", "loss", "runs")
FIGURES = (".png", ".svg", ".pdf")
SMALLEST, SMALLEST_PANEL = (640, 480), (160, 120)  # pixels


def main(arguments: Sequence[str]) -> int:
    """Draw the window, or a panel, into the file that `arguments` name; return the exit code."""
    from hnn_engine.cli.parser import joined

    options = _parser().parse_args(joined(arguments))
    try:
        _check(options)
        return _draw(options) if options.panel is None else _draw_panel(options)
    except HnnLabError as error:
        say(error)
        return 2
    except KeyboardInterrupt:
        say("stopped")
        return 128 + signal.SIGINT


def _parser() -> argparse.ArgumentParser:
    from app.window.layouts import LAYOUTS
    from hnn_engine.cli.parser import Parser
    from hnn_engine.cli.systems import add_details, add_source

    parser = Parser(
        prog="hnn-lab screenshot", description="Draw the real window, or a panel of it, into a file, without a display."
    )
    source = parser.add_mutually_exclusive_group()
    add_source(source)
    add_details(parser)
    source.add_argument("--session", metavar="FILE", type=Path, help="a session or a run to open")
    parser.add_argument("--size", metavar="WxH", default="1920x1080", help="size in pixels (1920x1080)")
    parser.add_argument("--layout", choices=tuple(LAYOUTS), help="the layout of the window (the last one chosen)")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--time", metavar="S", type=float, default=3.0, help="instant of the playback in seconds (3)")
    parser.add_argument("--panel", metavar="NAME", help=f"draw this panel alone: {', '.join(PANELS)}")
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        required=True,
        help="a PNG; of a panel also a name that ends in .svg or .pdf, in which letters are letters",
    )
    return parser


def _check(options: argparse.Namespace) -> None:
    if not _is_said(options) and options.session is None:
        raise ParameterError("Nothing to draw: name a --system or a --session, or type a --hamiltonian")
    if options.session is None:
        from hnn_engine.cli.systems import source_of

        options.source = source_of(options)
    parse_size(options.size, SMALLEST_PANEL if options.panel is not None else SMALLEST)
    if options.panel is not None:
        _check_panel(options)
    if not (math.isfinite(options.time) and options.time >= 0):
        raise ParameterError(f"--time is {options.time}, but it must be a number of seconds from 0")
    with told(options.out):
        parent = options.out.absolute().parent
        folder, found = operations.kind(parent), operations.kind(options.out)
    if not operations.is_folder(folder) or not os.access(parent, os.W_OK) or operations.is_folder(found):
        raise ParameterError(
            f"--out cannot be written: {options.out} is no file in a folder that allows it; choose another"
        )
    check_file(options.out, "--out")


def _check_panel(options: argparse.Namespace) -> None:
    if options.panel not in PANELS:
        raise ParameterError(f"There is no panel '{shortened(options.panel)}': {choice(options.panel, PANELS)}")
    if options.out.suffix.lower() not in FIGURES:
        raise ParameterError(
            f"--out is {options.out}, but a panel is drawn into a name that ends in .png, .svg or .pdf"
        )


def _is_said(options: argparse.Namespace) -> bool:
    return any((options.system, options.hamiltonian is not None, options.lagrangian is not None))


def parse_size(text: str, least: tuple[int, int] = SMALLEST) -> tuple[int, int]:
    """Read '1920x1080', not under `least`; raise `ParameterError`."""
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()) or not (
        least[0] <= int(width) <= 8000 and least[1] <= int(height) <= 8000
    ):
        raise ParameterError(
            f"--size is '{text}', but it must be WIDTHxHEIGHT from {least[0]}x{least[1]} to 8000x8000, as in 1920x1080"
        )
    return int(width), int(height)


def _draw(options: argparse.Namespace) -> int:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import qInstallMessageHandler

    from app.application import make_application
    from app.export.offscreen import quietly
    from app.style.apply import apply_theme
    from app.style.theme import THEMES
    from app.workers.event_loop import event_loop

    qInstallMessageHandler(quietly)
    application = make_application(["hnn-lab"])
    application.setQuitOnLastWindowClosed(False)
    apply_theme(application, THEMES[options.theme])
    with asyncio.Runner(loop_factory=lambda: event_loop(application)) as runner:
        return runner.run(_picture(options))


def _draw_panel(options: argparse.Namespace) -> int:
    from app.export.offscreen import Setting, on_stage
    from app.model.film_order import Shown

    state, view = _document(options)
    setting = Setting((options.panel,), parse_size(options.size, SMALLEST_PANEL), options.theme, headed=False)
    content = on_stage(
        Shown(state, view), setting, lambda stage: stage.figure(options.time, options.out.suffix.lower())
    )
    write_file(options.out, content)
    return 0


def _document(options: argparse.Namespace) -> "tuple[State, View]":
    """Return the document that is named, and how it is looked at."""
    from app.model.document import State, View, state_of
    from hnn_engine.experiment import opened
    from hnn_engine.records import Session, is_run_folder, load_run, load_session

    if options.session is None:
        return State(opened(options.source)), View()
    if is_run_folder(options.session):
        run = load_run(options.session)
        session = Session(run.experiment, (run,), (run.id,))
    else:
        session = load_session(options.session)
    return state_of(session), View.from_dict(dict(session.view))


async def _picture(options: argparse.Namespace) -> int:
    from app.application import close_window, open_window
    from app.window.image_export import write_png

    window = open_window()
    window.journal.set_on(False)  # there is no work to keep
    window.resize(*parse_size(options.size))
    window.show()
    window.share_room()
    try:
        if not await _opened(window, options):
            say(window.notice.text())
            return 2
        if options.layout is not None:
            window.choose_layout(options.layout)
        lab = window.lab
        lab.playback.set_playing(False)
        lab.preload.start()
        await _settled(window)
        lab.playback.seek(options.time)
        await asyncio.sleep(0.2)
        write_png(options.out, window.grab().toImage())
        return 0
    finally:
        await close_window(window, remember=False)


async def _opened(window: "MainWindow", options: argparse.Namespace) -> bool:
    from app.model.document import State
    from hnn_engine.experiment import opened

    if options.session is not None:
        return await window.files.open_path(options.session, remember=False)
    window.lab.document.reset(State(opened(options.source)), None)
    return True


async def _settled(window: "MainWindow") -> None:
    """Wait until the rollouts and the data are there and nothing is computed any more."""
    lab, calm = window.lab, 0
    end = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < end and calm < 12:
        await asyncio.sleep(0.05)
        busy = lab.rollouts.worker.busy or lab.debugging.busy
        ready = lab.answer is not None and lab.dataset is not None and not busy and lab.preloaded
        calm = calm + 1 if ready else 0
