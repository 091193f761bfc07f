"""Boxes to choose from: set to a value or to nothing, and marked where they need attention."""

from PySide6.QtWidgets import QComboBox, QWidget


def choose(box: QComboBox, value: object) -> None:
    """Set a box to a value; to nothing where it is None. A unit that is not listed is added."""
    at = box.findData(value) if value is not None else -1
    if at < 0 and isinstance(value, str) and value:
        box.addItem(value, value)
        at = box.count() - 1
    box.setCurrentIndex(at)


def mark(box: QWidget, problem: bool) -> None:
    """Dress `box` as one that needs attention, or not."""
    if bool(box.property("problem")) != problem:
        box.setProperty("problem", problem)
        box.style().unpolish(box)
        box.style().polish(box)
