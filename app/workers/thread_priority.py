"""Threads that work behind the window give way to it."""

import os
import sys
import threading

NICENESS = 6


def give_way() -> None:
    """Let the window's thread go before the calling one, where the system can rank the threads of a program (Linux)."""
    if sys.platform == "linux":
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        except OSError:  # a system that forbids it runs just as well, a little less smoothly
            return
