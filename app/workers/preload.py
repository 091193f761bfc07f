"""Loads what the first paint did without, in the background, while nothing is dragged."""

import gc
import importlib.util
import logging
import threading
import time
import traceback
from collections.abc import Callable

from app.workers.thread_priority import give_way
from hnn_engine.kernels import cache as kernel_cache
from hnn_engine.missing_libraries import sentence

_log = logging.getLogger(__name__)


class Preload:
    """One thread that loads scipy, then the compiled loops once they are compiled, and torch where there will be none.

    `held` is asked whether something has to go first; `loaded` is called in the thread after each part, `failed` with a
    message and a traceback where one cannot be had, and `told` with a sentence on what the program does without. The
    law of the system that `on_screen` names is compiled before those of others.
    """

    def __init__(
        self,
        held: Callable[[], bool],
        loaded: Callable[[], None],
        failed: Callable[[str, str], None],
        told: Callable[[str], None],
        on_screen: Callable[[], str],
    ) -> None:
        self._held, self._loaded, self._failed, self._told = held, loaded, failed, told
        self._on_screen = on_screen
        self._closing = False
        self._thread: threading.Thread | None = None
        self.scipy_ready = False

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._load, name="warm-up", daemon=True)
            self._thread.start()

    @property
    def done(self) -> bool:
        """Whether everything is there."""
        return self._thread is not None and not self._thread.is_alive()

    def close(self, seconds: float) -> bool:
        """End the thread; return whether it has ended."""
        self._closing = True
        if self._thread is not None:
            self._thread.join(seconds)
        kernel_cache.end_building()
        return self._thread is None or not self._thread.is_alive()

    def _load(self) -> None:
        give_way()
        try:
            kernel_cache.start_building(self._on_screen())  # a process that gives way too
            for load in (self._load_scipy, self._load_loops, self._load_torch):
                while self._held() and not self._closing:
                    time.sleep(0.05)
                if self._closing:
                    return
                load()
                gc.freeze()  # what a library leaves behind stays: searching it for garbage would cost frames
                self._loaded()
            from hnn_engine.environment import loaded_versions  # with importlib.metadata: later than the first paint

            _log.info("Loaded: %s", ", ".join(loaded_versions()))
        except ModuleNotFoundError as error:
            _log.warning("A library is missing", exc_info=True)
            self._told(sentence(error) or str(error))
        except Exception as error:
            _log.exception("A library cannot be loaded")
            self._failed(f"A library could not be loaded: {error}", traceback.format_exc())

    def _load_scipy(self) -> None:
        import contourpy
        import scipy.integrate

        assert contourpy is not None
        self.scipy_ready = scipy.integrate is not None

    def _load_loops(self) -> None:
        kernel_cache.load(lambda: self._closing, self._on_screen())

    def _load_torch(self) -> None:
        """Load torch where fits need it, and say what is missed."""
        if not kernel_cache.absent():
            return
        if importlib.util.find_spec("torch") is None:
            self._told(
                f"Neither numba nor torch is available ({kernel_cache.absent()}): fits by gradient fail; install one."
            )
            return
        self._told(f"{kernel_cache.slower()}.")
        from hnn_engine.fitting.gradient.backends import torch_wanted

        with torch_wanted():
            import torch

            torch.set_num_threads(1)
