"""Colours, icons, the style sheet, colour tables, and the guard around overrides of Qt's methods."""
