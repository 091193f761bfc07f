"""The panels: each takes the laboratory, shows a part of it, and never another panel."""

import app.style.override_guard  # noqa: F401 (before any class is made of Qt's)
