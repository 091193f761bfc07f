"""Widgets that know Qt, `Parameter` and the drawing primitives, and nothing of the document."""
