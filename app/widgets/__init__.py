"""Widgets that know Qt, `Parameter` and the drawing primitives, and nothing of the document."""

import app.style.override_guard  # noqa: F401 (before any class is made of Qt's)
