"""What the program remembers of its user between starts: theme, layout, recent files, hints already taken."""

from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

RECENT = 8
RECENT_SYSTEMS = 12
TEXT_SIZES = (70, 250)  # percent
LAYOUT_VERSION = 1


class Settings:
    """A typed face on QSettings."""

    def __init__(self, store: QSettings | None = None) -> None:
        self._store = store if store is not None else QSettings("hnn-lab", "hnn-lab")

    @property
    def dragged_once(self) -> bool:
        """Whether the start has ever been dragged: then the halo needs not say so any more."""
        return bool(self._store.value("dragged-once", False, bool))

    @dragged_once.setter
    def dragged_once(self, value: bool) -> None:
        if value != self.dragged_once:
            self._store.setValue("dragged-once", value)

    @property
    def theme(self) -> str:
        """'light' or 'dark', or an empty string where the system decides."""
        return str(self._store.value("theme", ""))

    @theme.setter
    def theme(self, name: str) -> None:
        self._store.setValue("theme", name)

    @property
    def keeps_unsaved(self) -> bool:
        """Whether unsaved work goes to the journal."""
        return bool(self._store.value("keep-unsaved", True, bool))

    @keeps_unsaved.setter
    def keeps_unsaved(self, value: bool) -> None:
        self._store.setValue("keep-unsaved", value)

    @property
    def keeps_snapshots(self) -> bool:
        """Whether fits by gradient keep weights along their way."""
        return bool(self._store.value("keep-snapshots", True, bool))

    @keeps_snapshots.setter
    def keeps_snapshots(self, value: bool) -> None:
        self._store.setValue("keep-snapshots", value)

    @property
    def text_size(self) -> int:
        """The size of the window's type in percent of the usual."""
        return self._percent("text-size")

    @text_size.setter
    def text_size(self, percent: int) -> None:
        self._store.setValue("text-size", percent)

    @property
    def presented_size(self) -> int:
        """The size of type in a presentation in percent of the usual there."""
        return self._percent("presented-text-size")

    @presented_size.setter
    def presented_size(self, percent: int) -> None:
        self._store.setValue("presented-text-size", percent)

    def _percent(self, name: str) -> int:
        try:
            value = int(str(self._store.value(name, 100)))
        except ValueError:
            return 100
        return min(max(value, TEXT_SIZES[0]), TEXT_SIZES[1])

    def folder(self, kind: str) -> Path | None:
        """Where a file of this `kind` was opened or saved the last time, or None."""
        value = str(self._store.value(f"folder/{kind}", ""))
        return Path(value) if value else None

    def set_folder(self, kind: str, folder: Path) -> None:
        """Remember `folder` for files of this `kind`."""
        self._store.setValue(f"folder/{kind}", str(folder))

    @property
    def recent(self) -> list[Path]:
        """The sessions opened last, the newest first."""
        value = self._store.value("recent", [])
        names = [value] if isinstance(value, str) else list(value or [])  # type: ignore[call-overload]
        return [Path(str(name)) for name in names][:RECENT]

    def add_recent(self, path: Path) -> None:
        """Put `path` first among the recent sessions."""
        kept = [p for p in self.recent if p != path]
        self._store.setValue("recent", [str(p) for p in [path, *kept][:RECENT]])

    def remove_recent(self, path: Path) -> None:
        """Forget `path`."""
        self._store.setValue("recent", [str(p) for p in self.recent if p != path])

    @property
    def recent_systems(self) -> list[Path]:
        """The files of systems of one's own that were opened or saved last, the newest first."""
        value = self._store.value("recent-systems", [])
        names = [value] if isinstance(value, str) else list(value or [])  # type: ignore[call-overload]
        return [Path(str(name)) for name in names][:RECENT_SYSTEMS]

    def add_recent_system(self, path: Path) -> None:
        """Put `path` first among the systems of one's own."""
        kept = [p for p in self.recent_systems if p != path]
        self._store.setValue("recent-systems", [str(p) for p in [path, *kept][:RECENT_SYSTEMS]])

    def remove_recent_system(self, path: Path) -> None:
        """Forget the system at `path`."""
        self._store.setValue("recent-systems", [str(p) for p in self.recent_systems if p != path])

    @property
    def measured_pendulum(self) -> Path | None:
        """Where the paper's measured pendulum was opened the last time, or None."""
        value = str(self._store.value("measured-pendulum", ""))
        return Path(value) if value else None

    @measured_pendulum.setter
    def measured_pendulum(self, path: Path) -> None:
        self._store.setValue("measured-pendulum", str(path))

    @property
    def layout(self) -> tuple[QByteArray, QByteArray] | None:
        """The window's geometry and the state of its panels, or None before the first time."""
        if self._store.value("layout/version", 0, int) != LAYOUT_VERSION:
            return None
        geometry, state = self._store.value("layout/geometry"), self._store.value("layout/state")
        if isinstance(geometry, QByteArray) and isinstance(state, QByteArray):
            return geometry, state
        return None

    def save_layout(self, geometry: QByteArray, state: QByteArray) -> None:
        """Remember the window's geometry and the state of its panels."""
        self._store.setValue("layout/version", LAYOUT_VERSION)
        self._store.setValue("layout/geometry", geometry)
        self._store.setValue("layout/state", state)

    def forget_layout(self) -> None:
        """Open with the original layout next time."""
        self._store.remove("layout")

    def sync(self) -> None:
        """Write what is pending."""
        self._store.sync()


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the program's settings."""
    return Settings()
