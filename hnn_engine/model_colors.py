"""The window's colours and dashes, for pictures and pages that are made without it.

The engine does not know the window, so its few colours stand here once more; a test holds the two together.
"""

COLORS: dict[str, tuple[str, str]] = {  # role or model -> on light, on dark
    "paper": ("#FAFAF8", "#16181C"),
    "panel": ("#FFFFFF", "#1F2227"),
    "line": ("#D6D5CF", "#3A3F48"),
    "faint": ("#ECEBE7", "#23262B"),
    "ink": ("#1D2026", "#E6E7EA"),
    "muted": ("#666B73", "#979DA7"),
    "warning": ("#9A5B00", "#E5A93B"),
    "truth": ("#1B1D22", "#F2F3F5"),
    "data": ("#9A9DA3", "#7F848D"),
    "baseline": ("#D55E00", "#D55E00"),
    "hnn": ("#0072B2", "#56B4E9"),
    "second-order": ("#E69F00", "#E69F00"),
    "separable-hnn": ("#CC79A7", "#CC79A7"),
    "dissipative-hnn": ("#009E73", "#009E73"),
    "conservative-hnn": ("#8A3B12", "#D8C3A5"),
    "mixed-hnn": ("#4A148C", "#A93FDB"),
}
DASHES: dict[str, tuple[float, ...]] = {  # lengths of strokes and gaps in widths of the line; none is a solid one
    "baseline": (6.0, 4.0),
    "hnn": (),
    "second-order": (9.0, 3.0, 2.0, 3.0),
    "separable-hnn": (2.0, 3.0),
    "dissipative-hnn": (12.0, 4.0),
    "conservative-hnn": (3.0, 6.0),
    "mixed-hnn": (9.0, 3.0, 2.0, 3.0, 2.0, 3.0),
}
LOOKS_LIKE = {"pixel-baseline": "baseline", "pixel-hnn": "hnn"}  # whose colour and dash a model wears
