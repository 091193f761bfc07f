"""What leaves a panel: its picture, copied or saved, and its numbers; by the menus of the window and the panel."""

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDockWidget, QMenu, QWidget

from app.lab import Lab
from app.panels.runs import RunsPanel
from app.widgets.text import action_text, set_tip
from hnn_engine.errors import HnnLabError

if TYPE_CHECKING:
    from app.window.file_dialogs import Files
    from hnn_engine.csv_tables import CsvTable

UNSEEN = ("controls",)  # docks that are no picture of anything
_COPY_TIP = "Put the picture on the clipboard: pixels, and lines and letters for programs that take them."
_SAVE_TIP = "A PNG of any width, or an SVG or PDF whose letters are letters."
_NUMBERS_TIP = "The numbers that are shown, as CSV with units in the headings."


class PanelExport:
    """Acts on the panels in `docks`, by name. `files` asks where to and writes; `spawn` runs what is awaited."""

    def __init__(
        self,
        lab: Lab,
        docks: Mapping[str, QDockWidget],
        runs: RunsPanel,
        files: "Callable[[], Files]",
        spawn: Callable[[Coroutine[Any, Any, Any]], None],
    ) -> None:
        self._lab, self._docks, self._runs, self._files, self._spawn = lab, docks, runs, files, spawn

    def shown(self) -> list[str]:
        """Return the names of the panels that can be seen."""
        return [name for name in self._docks if self._panel(name) is not None]

    def name_at(self, widget: QWidget | None) -> str:
        """Return the name of the panel that `widget` is in, '' where it is in none."""
        for name in self.shown():
            panel = self._docks[name].widget()
            if widget is not None and (panel is widget or panel.isAncestorOf(widget)):
                return name
        return ""

    def title(self, name: str) -> str:
        """Return what a panel is called in menus."""
        return str(self._docks[name].toggleViewAction().text())

    def _panel(self, name: str) -> QWidget | None:
        dock = self._docks[name]
        panel = dock.widget()
        return panel if name not in UNSEEN and panel is not None and panel.isVisible() else None

    def fill_panels(self, menu: QMenu) -> None:
        """Let `menu` offer every panel that can be seen."""
        menu.clear()
        for name in self.shown():
            self.fill(menu.addMenu(action_text(self.title(name))), name)

    def fill(self, menu: QMenu, name: str) -> None:
        """Let `menu` offer what leaves the panel `name`."""
        from app.window.panel_numbers import tables_of

        copy = menu.addAction("Copy picture")
        set_tip(copy, _COPY_TIP)
        copy.triggered.connect(lambda: self.copy(name))
        save = menu.addAction("Save picture…")
        set_tip(save, _SAVE_TIP)
        save.triggered.connect(lambda: self._spawn(self.save_picture(name)))
        tables = tables_of(name, self._lab, self._runs)
        for table, make in tables.items():
            words = "Save numbers…" if len(tables) == 1 else f"Save numbers: {table}…"
            numbers = menu.addAction(action_text(words))
            set_tip(numbers, _NUMBERS_TIP)
            numbers.triggered.connect(partial(self._ask_numbers, name, table, make))

    def _ask_numbers(self, name: str, table: str, make: "Callable[[], CsvTable]", _: bool = False) -> None:
        self._spawn(self.save_numbers(name, table, make))

    # What is done -----------------------------------------------------------------------------------------------------

    def copy(self, name: str) -> None:
        """Put the picture of a panel on the clipboard."""
        from app.window.image_export import Figure

        panel = self._panel(name)
        if panel is None:
            return
        QGuiApplication.clipboard().setMimeData(Figure(panel, self.title(name)).for_clipboard())
        self._lab.noticed.emit(f"The picture is copied: {self.title(name)}.", False)

    async def save_picture(self, name: str) -> None:
        """Ask where to save the picture of a panel, and how wide it is to be, and write it."""
        from app.window.image_export import Figure

        panel = self._panel(name)
        if panel is None:
            return
        figure = Figure(panel, self.title(name))
        await self._kept("picture", self._files().save_figure(figure, f"Save a picture: {self.title(name)}", name))

    async def save_numbers(self, name: str, table: str, make: "Callable[[], CsvTable]") -> None:
        """Ask where to save a table of a panel, and write it."""
        try:
            made = make()
        except HnnLabError as error:
            self._lab.noticed.emit(str(error), True)
            return
        title = f"Save numbers: {self.title(name)}"
        await self._kept("table", self._files().save_table(made, title, table))

    async def _kept(self, what: str, saving: Coroutine[Any, Any, Path | None]) -> None:
        try:
            path = await saving
        except HnnLabError as error:
            self._lab.noticed.emit(str(error), True)
            return
        if path is not None:
            self._lab.noticed.emit(f"The {what} is saved as {path.name}.", False)
