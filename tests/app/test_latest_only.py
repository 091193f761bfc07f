"""The thread of which the newest request wins, by itself."""

import threading
import time
from collections.abc import Callable

from app.workers.latest_only import LatestOnly

PATIENCE = 10.0


def wait(condition: Callable[[], object]) -> None:
    for _ in range(round(PATIENCE / 0.002)):
        if condition():
            return
        time.sleep(0.002)
    assert condition(), "did not happen"


class Gated:
    """Work that notes what it was given and waits until it may end."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.began, self.may_end = threading.Semaphore(0), threading.Event()

    def __call__(self, request: int) -> None:
        self.done.append(request)
        self.began.release()
        assert self.may_end.wait(PATIENCE)


def test_of_those_that_wait_only_the_newest_is_done() -> None:
    work = Gated()
    latest = LatestOnly(work, "test")
    assert not latest.busy
    latest.ask(1)
    assert work.began.acquire(timeout=PATIENCE)
    for request in (2, 3, 4):
        latest.ask(request)
    assert latest.busy
    assert latest.waiting == 4
    work.may_end.set()
    wait(lambda: not latest.busy)
    assert work.done == [1, 4]
    assert latest.close(PATIENCE)


def test_what_waits_can_be_taken_back() -> None:
    work = Gated()
    latest = LatestOnly(work, "test")
    latest.ask(1)
    assert work.began.acquire(timeout=PATIENCE)
    latest.ask(2)
    latest.ask(None)
    work.may_end.set()
    wait(lambda: not latest.busy)
    latest.ask(3)
    wait(lambda: work.done == [1, 3])
    assert latest.close(PATIENCE)


def test_closing_drops_what_waits_and_tells_whether_the_thread_has_ended() -> None:
    work = Gated()
    latest = LatestOnly(work, "test")
    assert LatestOnly(work, "never begun").close(0.0)
    latest.ask(1)
    assert work.began.acquire(timeout=PATIENCE)
    latest.ask(2)
    assert not latest.close(0.01), "the work goes on"
    assert latest.closing
    work.may_end.set()
    assert latest.close(PATIENCE)
    latest.ask(3)
    assert not latest.busy
    time.sleep(0.02)
    assert work.done == [1]


def test_it_is_busy_from_the_request_to_its_end() -> None:
    seen: list[bool] = []
    latest: LatestOnly[int] = LatestOnly(lambda request: seen.append(latest.busy), "test")
    latest.ask(1)
    assert latest.busy or seen
    wait(lambda: seen == [True] and not latest.busy)
    assert latest.close(PATIENCE)
