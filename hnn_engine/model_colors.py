"""Colours and dash patterns of truth, data and models, on light and on dark; for the window, reports and videos.

Most colours of models are those of Okabe and Ito (2008), which can be distinguished with colour blindness.
"""

DashPattern = tuple[float, ...]  # lengths of strokes and gaps in widths of the line; empty: a solid line

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
DASHES: dict[str, DashPattern] = {
    "baseline": (6.0, 4.0),
    "hnn": (),
    "second-order": (9.0, 3.0, 2.0, 3.0),
    "separable-hnn": (2.0, 3.0),
    "dissipative-hnn": (12.0, 4.0),
    "conservative-hnn": (3.0, 6.0),
    "mixed-hnn": (9.0, 3.0, 2.0, 3.0, 2.0, 3.0),
}
DRAWN_AS = {"pixel-baseline": "baseline", "pixel-hnn": "hnn"}  # models that share the colour and dash of another
OTHER_DASH: DashPattern = (3.0, 3.0)  # of a model that is not listed; its colour is 'muted'


def drawn_as(role: str) -> str:
    """Return the role or model whose colour and dash pattern `role` has."""
    return DRAWN_AS.get(role, role)


def model_dash(model: str) -> DashPattern:
    """Return the dash pattern of `model`, in line widths; empty: solid."""
    return DASHES.get(drawn_as(model), OTHER_DASH)
