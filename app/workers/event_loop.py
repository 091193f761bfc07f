"""The event loop of asyncio on Qt's."""

from concurrent.futures import ThreadPoolExecutor

from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

WORKERS = 4  # threads for what is awaited away from the window's


def event_loop(application: QApplication) -> QEventLoop:
    """Return a loop whose work away from the window is done by Python's own threads.

    qasync would take threads of Qt's: those read shiboken's table of classes while they begin, without a lock, and
    die where the window's thread makes a class at that moment (PySide6 6.11.3, qasync 0.28.0).
    """
    loop = QEventLoop(application)
    loop.set_default_executor(ThreadPoolExecutor(WORKERS, thread_name_prefix="errand"))
    return loop
