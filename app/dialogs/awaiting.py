"""Dialogs as something to await: the window goes on while one is open."""

import asyncio

from PySide6.QtWidgets import QDialog


async def finished(dialog: QDialog) -> int:
    """Open `dialog` and wait, without blocking anything, until it is closed; return its result."""
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def settle(result: int) -> None:
        if not done.done():
            done.set_result(result)

    dialog.finished.connect(settle)
    dialog.open()
    try:
        return await done
    finally:
        dialog.finished.disconnect(settle)
