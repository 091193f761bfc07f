"""The panels: each takes the laboratory, shows a part of it, and never another panel."""
