"""Writing a film of panels: they are painted in this thread while the pictures before are packed in another."""

import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING

from app.export.pixels import Picture
from app.model.film_plan import FILMS, FilmPlan
from hnn_engine.errors import RecordError
from hnn_engine.progress import ProgressCallback
from hnn_engine.video import check_pictures, write_pictures, write_video

if TYPE_CHECKING:  # with all panels
    from app.export.stage import Stage

WAITING = 3  # pictures that are painted and not packed yet, at most
LOOK = 0.1  # seconds between two looks whether the other thread is still there


class EncoderError(Exception):
    """The other thread has ended; why is what it raises."""


def is_folder_name(path: Path) -> bool:
    """Whether a film by this name is a folder of numbered pictures; raise `RecordError` for a name that is neither
    that nor a video's."""
    suffix = path.suffix.lower()
    if suffix in FILMS:
        return False
    if suffix and not path.is_dir():
        raise RecordError(f"{path} names no film; expected a name that ends in .mp4 or .gif, or a folder's: choose one")
    return True


def check_target(path: Path, replace: bool) -> None:
    """Raise `RecordError` where no film can be written to `path`; asked before anything is computed."""
    if is_folder_name(path):
        check_pictures(path, replace)


def write_film(
    stage: "Stage", plan: FilmPlan, path: Path, tell: ProgressCallback, replace: bool = False, protected: bool = False
) -> None:
    """Paint `plan` on a settled `stage` and write it to `path`: a GIF, an mp4, or a folder of numbered pictures.

    `tell` hears the share that is done; what it raises ends the work, and what was there before stays. `replace`:
    numbered pictures may take the place of others; `protected`: of a read-only file. Raises what `write_video` and
    `write_pictures` raise.
    """
    band = _Band()
    writer = threading.Thread(target=band.run, args=(plan, path, replace, protected), name="encoder", daemon=True)
    writer.start()
    try:
        for i, time in enumerate(plan.times):
            band.put(stage.picture(float(time)))
            tell((i + 1) / (plan.count + 1))  # the last word is the writer's
        band.put(None)
    except EncoderError:
        pass
    except BaseException:
        band.stop()
        writer.join()
        raise
    while writer.is_alive():
        writer.join(LOOK)
        try:
            tell(plan.count / (plan.count + 1))
        except BaseException:
            band.stop()
            writer.join()
            raise
    if band.error is not None:
        raise band.error
    tell(1.0)


class _Stopped(Exception):
    """The film is not wanted any more."""


class _Band:
    """Hands pictures from the thread that paints to the one that packs."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self._queue: Queue[Picture | None] = Queue(WAITING)
        self._over = threading.Event()  # nothing is taken any more
        self._stop = threading.Event()

    def put(self, picture: Picture | None) -> None:
        """Hand on a picture, or None behind the last; raise `EncoderError` where nothing is taken any more."""
        while not self._over.is_set():
            try:
                self._queue.put(picture, timeout=LOOK)
                return
            except Full:
                continue
        raise EncoderError

    def stop(self) -> None:
        """End the packing; nothing is left of it."""
        self._stop.set()

    # In the other thread

    def run(self, plan: FilmPlan, path: Path, replace: bool, protected: bool) -> None:
        """Pack and write all that comes."""
        try:
            if is_folder_name(path):
                write_pictures(path, self._pictures(), None, plan.count, replace)
            else:
                write_video(path, self._pictures(), 1 / plan.rate, self._heard, plan.count, protected)
        except _Stopped:
            pass
        except BaseException as error:
            self.error = error
        finally:
            self._over.set()

    def _heard(self, share: float) -> None:
        if self._stop.is_set():
            raise _Stopped

    def _pictures(self) -> Iterator[Picture]:
        while True:
            if self._stop.is_set():
                raise _Stopped
            try:
                picture = self._queue.get(timeout=LOOK)
            except Empty:
                continue
            if picture is None:
                return
            yield picture
