"""What stderr is told of work that takes longer than a second."""

import time

from hnn_engine.console import end_progress, is_live, progress

LATE = 1.0  # seconds until the progress of reading is shown
OFTEN, SELDOM = 0.2, 2.0  # seconds from one word to the next, on a terminal and elsewhere


class Working:
    """The share of a work that is done, said once that takes longer than a second: rewritten in place on a terminal."""

    def __init__(self, what: str) -> None:
        """Say nothing yet of `what` is done, as in 'reading film.mp4': that begins once it takes long."""
        self._what, self._live = what, is_live()
        self._next = time.monotonic() + LATE
        self._shown = False

    def __enter__(self) -> "Working":
        """Return itself: progress is heard from now on."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the line of progress, if there is one."""
        if self._shown:
            end_progress()

    def tell(self, share: float) -> None:
        """Take note of the share, 0 to 1, that is done, and print it when it is time to."""
        now = time.monotonic()
        if now >= self._next:
            self._next, self._shown = now + (OFTEN if self._live else SELDOM), True
            progress(f"hnn-lab: {self._what}: {100 * share:.0f} %")
