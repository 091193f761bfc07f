"""Colours and dash patterns of truth, data and models, on light and on dark; for the window, reports and videos.

A role names what is drawn: 'truth', a family of models ('hnn'), or 'hnn/1', the second shown run of that family, which
has a shade and a dash pattern of its own. Most colours of families are those of Okabe and Ito (2008), which can be
distinguished with colour blindness; the further shades of a family differ from its first in lightness as well, so that
they can be told apart in grey.
"""

DashPattern = tuple[float, ...]  # lengths of strokes and gaps in widths of the line; empty: a solid line
ColorPair = tuple[str, str]  # on light, on dark

COLORS: dict[str, ColorPair] = {  # role or family -> its colours
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

SHADES = 3  # of a family, besides its first colour
FURTHER: dict[str, tuple[ColorPair, ...]] = {  # of the second, third and fourth run of a family
    "baseline": (("#7A2E00", "#FFC49A"), ("#F2A46B", "#A04600"), ("#A8705A", "#C99A86")),
    "hnn": (("#00365C", "#2A7DB0"), ("#5FB0E0", "#C4E6FB"), ("#4A58B8", "#98A2F5")),
    "second-order": (("#7A5200", "#FFE2A3"), ("#C79A45", "#A87800"), ("#9C7A1E", "#CFB36A")),
    "separable-hnn": (("#7A2C58", "#F6CDE2"), ("#E6AFCD", "#A04F7C"), ("#A85A92", "#C99BD0")),
    "dissipative-hnn": (("#00503A", "#9BE8CE"), ("#5CCBA8", "#00704F"), ("#5F8A2E", "#A9CF5F")),
    "conservative-hnn": (("#4A1D05", "#FFF1DC"), ("#C08A66", "#9A866B"), ("#7A6446", "#BFA277")),
    "mixed-hnn": (("#8E5BD0", "#DDB1F7"), ("#BBA0EA", "#7B2AA6"), ("#6E4A8F", "#C79BE0")),
}
_FURTHER_OTHER: tuple[ColorPair, ...] = (("#33373E", "#CDD1D8"), ("#9BA0A8", "#6B717B"), ("#7C7466", "#B3AA98"))
FURTHER_DASHES: dict[str, tuple[DashPattern, ...]] = {
    "baseline": ((6.0, 3.0, 1.5, 3.0), (4.0, 2.0), (1.5, 2.0)),
    "hnn": ((16.0, 3.0), (16.0, 3.0, 2.0, 3.0), (5.0, 2.0)),
    "second-order": ((9.0, 2.0, 7.0, 2.0, 2.0, 2.0), (9.0, 8.0), (5.0, 2.0, 1.5, 2.0)),
    "separable-hnn": ((2.0, 6.0), (2.0, 2.0, 2.0, 6.0), (2.0, 1.5)),
    "dissipative-hnn": ((12.0, 4.0, 4.0, 4.0), (12.0, 8.0), (22.0, 5.0)),
    "conservative-hnn": ((3.0, 9.0), (3.0, 3.0, 3.0, 9.0), (3.0, 2.0)),
    "mixed-hnn": ((9.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0), (5.0, 6.0, 1.5, 6.0), (7.0, 1.5)),
}
_FURTHER_OTHER_DASHES: tuple[DashPattern, ...] = ((5.0, 3.0, 2.0, 3.0), (7.0, 5.0), (4.0, 1.5))
_COARSER = 1.8  # how many times longer the strokes of a family's fifth, sixth and seventh run are, and so on

# Recipes in a race, none of which has the colour of truth, the baseline or the HNN.
RECIPE_COLORS: dict[str, ColorPair] = {
    "race-paper": ("#70757E", "#A6ACB6"),
    "race-adam": ("#A08400", "#D9C04A"),
    "race-sampled": ("#00898C", "#3FC9C4"),
    "race-denoise": ("#8A4FD0", "#B795F0"),
    "race-lbfgs": ("#C2366F", "#F07FA8"),
}
RECIPE_DASHES: dict[str, DashPattern] = {
    "race-paper": (2.0, 2.0),
    "race-adam": (6.0, 3.0),
    "race-sampled": (),
    "race-denoise": (9.0, 3.0, 2.0, 3.0),
    "race-lbfgs": (4.0, 1.5),
}


def run_role(model: str, place: int) -> str:
    """Return the role of the run of `model` at `place` among the shown runs of its family, the first at 0."""
    return f"{model}/{place}" if place else model


def family_and_place(role: str) -> tuple[str, int]:
    """Return the family whose colours `role` has, and its place in them: ('hnn', 1) for 'pixel-hnn/1'."""
    model, _, place = role.partition("/")
    return DRAWN_AS.get(model, model), int(place) if place.isdecimal() else 0


def drawn_as(role: str) -> str:
    """Return the role or model whose colour and dash pattern `role` has."""
    return run_role(*family_and_place(role))


def role_colors(role: str) -> ColorPair:
    """Return the colours of `role` on light and on dark; those of 'muted' where it has none of its own."""
    family, place = family_and_place(role)
    if family in RECIPE_COLORS:
        return RECIPE_COLORS[family]
    if not place or (family in COLORS and family not in FURTHER):
        return COLORS.get(family, COLORS["muted"])
    return FURTHER.get(family, _FURTHER_OTHER)[(place - 1) % SHADES]


def model_dash(role: str) -> DashPattern:
    """Return the dash pattern of `role`, a model or a run of one, in line widths; empty: solid."""
    family, place = family_and_place(role)
    if family in RECIPE_DASHES:
        return RECIPE_DASHES[family]
    if not place:
        return DASHES.get(family, OTHER_DASH)
    dash = FURTHER_DASHES.get(family, _FURTHER_OTHER_DASHES)[(place - 1) % SHADES]
    return tuple(length * _COARSER ** ((place - 1) // SHADES) for length in dash)


def role_dash(role: str) -> DashPattern:
    """Return the dash pattern of `role`: that of `model_dash`, and truth's, which is solid."""
    return () if role == "truth" else model_dash(role)
