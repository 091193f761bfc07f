"""How the report looks: the window's colours and dashes, light and dark, and the page's style sheet."""

from hnn_engine.model_colors import COLORS, DASHES, OTHER_DASH, DashPattern, drawn_as

LINE = 1.6  # width of a line in px
THIN = 0.9


def model_class(name: str) -> str:
    """Return the CSS class of a model's lines; a model without a colour of its own is drawn as 'other'."""
    shown = drawn_as(name)
    return f"m-{shown}" if shown in DASHES else "m-other"


def _variables(which: int) -> str:
    return " ".join(f"--{name}: {pair[which]};" for name, pair in COLORS.items())


def _model_rules() -> str:
    rules = [_model_rule("other", "muted", OTHER_DASH)]
    return "\n".join([*rules, *(_model_rule(name, name, dash) for name, dash in DASHES.items())])


def _model_rule(name: str, color: str, dash: DashPattern) -> str:
    lengths = " ".join(f"{LINE * length:.3g}" for length in dash)
    stroke = f" stroke-dasharray: {lengths};" if dash else ""
    return f".m-{name} {{ stroke: var(--{color}); fill: var(--{color});{stroke} }}"


PLOT_RULES = f"""
svg text {{ fill: var(--muted); font-size: 11px; font-variant-numeric: tabular-nums; }}
svg .name {{ fill: var(--ink); }}
.grid {{ stroke: var(--faint); stroke-width: 1; }}
.axis {{ stroke: var(--line); stroke-width: 1; }}
.floor {{ stroke: var(--muted); stroke-width: 1; stroke-dasharray: 2 3; }}
.truth {{ stroke: var(--truth); }}
.data {{ fill: var(--data); }}
.start {{ fill: var(--paper); stroke: var(--truth); stroke-width: 1.4; }}
{_model_rules()}
.curve {{ fill: none; stroke-width: {LINE}; stroke-linejoin: round; }}
.thin {{ fill: none; stroke-width: {THIN}; stroke-opacity: 0.55; stroke-dasharray: none; stroke-linejoin: round; }}
.dot {{ stroke: none; fill-opacity: 0.75; }}
.paper {{ fill: none; stroke-width: 1.4; stroke-dasharray: none; }}
"""

PAGE_RULES = """
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 3.5rem 2rem 5rem; }
h1 { font-size: 2rem; line-height: 1.2; font-weight: 600; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.4rem; line-height: 1.3; font-weight: 600; margin: 4rem 0 .2rem; padding-top: 1.2rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1rem; font-weight: 600; margin: 2rem 0 .5rem; }
p { margin: .5rem 0; max-width: 44rem; }
.lead { font-size: 1.1rem; color: var(--muted); }
.quiet, figcaption, dt, .notes { color: var(--muted); font-size: .875rem; }
.label { font-weight: 600; color: var(--warning); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: 1.5rem 0; font-size: .875rem; }
dd { margin: 0; overflow-wrap: anywhere; }
code { font: .85rem/1.5 ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0 .5rem; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--muted); font-size: .875rem; padding-bottom: .3rem; }
th { font-weight: 500; color: var(--muted); text-align: right; padding: .3rem 1rem .3rem 0; white-space: nowrap;
  border-bottom: 1px solid var(--ink); }
td { text-align: right; padding: .22rem 1rem .22rem 0; white-space: nowrap; }
th.word, td.word { text-align: left; }
tr.first td { border-top: 1px solid var(--line); padding-top: .45rem; }
tr:last-child td { border-bottom: 1px solid var(--line); padding-bottom: .45rem; }
td.above { color: var(--warning); font-weight: 600; }
td .key { margin-right: .5rem; vertical-align: middle; }
.notes { padding-left: 1.1rem; max-width: 46rem; }
.notes li { margin: .35rem 0; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.6rem; font-size: .875rem; margin: 1.6rem 0 .4rem; }
.plots { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1.6rem 1.8rem; margin: .6rem 0 1.4rem; }
@media (max-width: 50rem) { .plots { grid-template-columns: 1fr; } main { padding: 2rem 1rem 3rem; } }
figure { margin: 0; }
figure svg { display: block; width: 100%; height: auto; }
.wide { margin: 1.5rem 0; }
footer { margin-top: 4rem; }
@media print { h2 { break-before: page; border-top: 0; } figure { break-inside: avoid; } }
"""

STYLE = f"""
:root {{ color-scheme: light dark; {_variables(0)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_variables(1)} }} }}
{PAGE_RULES}{PLOT_RULES}"""
