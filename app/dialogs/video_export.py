"""Writing a film: in a thread, with how long it still takes, and a button that ends it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

from app.dialogs.progress_dialog import EndedError, ProgressDialog
from hnn_engine.comparison_video import ComparisonVideo
from hnn_engine.video import write_video


class VideoExport(ProgressDialog[None]):
    """Writes `film` to `path`. `write()` returns whether it was written; it raises what `write_video` does."""

    def __init__(self, film: ComparisonVideo, path: Path, parent: QWidget, replace_protected: bool = False) -> None:
        super().__init__(
            lambda tell: write_video(path, film.pictures(), film.seconds, tell, film.count, replace_protected),
            "Save a video",
            f"Writing {path.name}",
            parent,
        )

    async def write(self, away: Callable[[Callable[[], Any]], "asyncio.Future[Any]"]) -> bool:
        """Write the film; `away` runs work in a thread."""
        try:
            await self.run(away)
        except EndedError:
            return False
        return True
