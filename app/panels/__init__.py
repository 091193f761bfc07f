"""The panels: each takes the laboratory, shows a part of it, and never another panel."""

import app.overrides  # noqa: F401 (before any class is made of Qt's)
