"""The panels of debugging in their docks, each made when it is first shown."""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtWidgets import QDockWidget, QWidget

from app.lab import Lab
from app.window.layouts import ASIDE

if TYPE_CHECKING:
    from app.panels.debug.gallery import GalleryPanel
    from app.panels.debug.split import SplitPanel
    from app.panels.debug.verdict import VerdictPanel

Panel = TypeVar("Panel", bound=QWidget)


class DebugPanels:
    """Fills the `ASIDE` ones of `docks`; `dress` is called with each panel that is made."""

    def __init__(self, lab: Lab, docks: Mapping[str, QDockWidget], dress: Callable[[QWidget], object]) -> None:
        self._lab, self._docks, self._dress = lab, docks, dress
        for name in ASIDE:
            docks[name].visibilityChanged.connect(partial(self._on_visible, name))

    def _on_visible(self, name: str, shown: bool) -> None:
        if shown:
            getattr(self, name)

    @cached_property
    def verdict(self) -> "VerdictPanel":
        """What is wrong with a model."""
        from app.panels.debug.verdict import VerdictPanel

        return self._put("verdict", VerdictPanel(self._lab))

    @cached_property
    def split(self) -> "SplitPanel":
        """Whose error it is."""
        from app.panels.debug.split import SplitPanel

        return self._put("split", SplitPanel(self._lab))

    @cached_property
    def views(self) -> "GalleryPanel":
        """The views to choose from."""
        from app.panels.debug.gallery import GalleryPanel

        return self._put("views", GalleryPanel(self._lab))

    def _put(self, name: str, panel: Panel) -> Panel:
        self._docks[name].setWidget(panel)
        self._dress(panel)
        return panel
