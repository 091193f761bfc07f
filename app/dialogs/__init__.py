"""Dialogs, and the window in which recipes race."""
