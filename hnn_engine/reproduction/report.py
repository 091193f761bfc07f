"""The report: one page of HTML that needs nothing else: style and pictures inline, no script, no other address."""

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from hnn_engine.errors import shown
from hnn_engine.number_format import raised, typeset
from hnn_engine.records import Run
from hnn_engine.reproduction import plots
from hnn_engine.reproduction.rows import Row
from hnn_engine.reproduction.running import Result, result_tables
from hnn_engine.reproduction.style import STYLE, model_class
from hnn_engine.reproduction.table import Line, TaskTable
from hnn_engine.reproduction.text import (
    WORDS,
    circumstances,
    floors,
    fresh_start_cells,
    fresh_start_head,
    fresh_start_title,
    main_cells,
    main_head,
    model_title,
    painted_cells,
    painted_head,
    painted_title,
)
from hnn_engine.tasks import PAPER_FIGURES

TITLE = "Hamiltonian neural networks, run again"


def page(results: Sequence[Result], facts: Mapping[str, str]) -> str:
    """Return the HTML page about `results`; `facts` (name -> text) say when, by what and on what machine they were
    made."""
    rows = [result.row for result in results]
    found = result_tables(results)
    body = "\n".join(
        [
            _head(found, rows, facts),
            *(_section(table, _shown_runs(table, results)) for table in found),
            f'<footer class="quiet">{_escaped(_READING)}</footer>',
        ]
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{TITLE}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


_LEAD = (
    "The experiments of S. Greydanus, M. Dzamba and J. Yosinski, Hamiltonian Neural Networks (NeurIPS 2019, "
    "arXiv 1906.01563), fitted and evaluated by HNN Lab."
)
_VERDICTS = (
    "The median over seeds of each of our figures is compared with the larger of the paper's and of a rerun of the "
    "paper's code: losses within a factor of 1.5 and energies within 3 count as the same."
)
_GLANCE = (
    "Diamonds: the paper. Dots: ours, one a seed. Dashed strokes: the noise floor, which the true field itself scores."
)
_READING = (
    "Energy MSE is the paper's own figure, computed the paper's way. The figures from new starts use the true H "
    "in double precision. ∞ stands for what diverged, – for what has no meaning."
)


def _escaped(text: str) -> str:
    """Return plain text as a page sets it: powers raised, apostrophes curly, and nothing in it markup."""
    return escape(re.sub(r"(?<=\w)'", "’", raised(shown(text))).replace("'", "‘"))


def _head(found: Sequence[TaskTable], rows: Sequence[Row], facts: Mapping[str, str]) -> str:
    terms = "\n".join(f"<dt>{escape(shown(name))}</dt><dd>{escape(shown(text))}</dd>" for name, text in facts.items())
    pictures = plots.glance(found, rows)
    return (
        f'<header>\n<h1>{TITLE}</h1>\n<p class="lead">{_escaped(_LEAD)}</p>\n<dl>\n{terms}\n</dl>\n</header>\n'
        f"<h2>At a glance</h2>\n<p>{_escaped(_VERDICTS)}</p>\n{_legend(_models(found), truth=False)}\n"
        f'{_figures(pictures)}\n<p class="quiet">{_escaped(_GLANCE)}</p>'
    )


def _models(found: Iterable[TaskTable]) -> list[str]:
    return list(dict.fromkeys(line.model for table in found for line in table.fresh_starts))


# One task -------------------------------------------------------------------------------------------------------------


def _section(table: TaskTable, runs: Sequence[Run]) -> str:
    parts = [f"<h2>{_escaped(table.task.title)}</h2>", f'<p class="quiet">{_escaped(circumstances(table))}</p>']
    parts.append(f"<p>{_escaped(table.task.summary)}</p>")
    parts.append(_paper_table(table))
    if floors(table, typeset):
        parts.append(f'<p class="quiet">{_escaped(floors(table, typeset))}</p>')
    if any(line.diverged is not None for line in table.fresh_starts):
        parts.append(_fresh_start_table(table))
    if table.painted:
        parts.append(_painted_table(table))
    if runs:
        parts += [_legend([run.snapshot.model for run in runs]), _figures(plots.task_plots(runs))]
        parts.append(f'<p class="quiet">{_escaped(_caption(runs[0]))}</p>')
    if table.notes:
        notes = "\n".join(f"<li>{_escaped(note)}</li>" for note in table.notes)
        parts.append(f'<ul class="notes">\n{notes}\n</ul>')
    return "<section>\n" + "\n".join(parts) + "\n</section>"


def _shown_runs(table: TaskTable, results: Sequence[Result]) -> list[Run]:
    """Return the runs of the first seed of which there are any, one a model."""
    mine = [
        result.run
        for result in results
        if result.run is not None and (result.row.task, result.row.recipe) == (table.task.name, table.recipe)
    ]
    return [run for run in mine if run.experiment.seed == mine[0].experiment.seed]


def _caption(run: Run) -> str:
    seed = f"The fits of seed {run.experiment.seed}. Loss: training thin, test thick."
    if run.experiment.system is None:
        return f"{seed} The trajectory is the recording's test rows; rollouts begin at the first of them."
    return f"{seed} Trajectories begin at the ring, the new start of median energy, and last {_span(run)}."


def _span(run: Run) -> str:
    system = run.experiment.system
    assert system is not None
    return f"{system.horizon:g} s"


def _figures(pictures: Iterable[str]) -> str:
    return '<div class="plots">\n' + "\n".join(f"<figure>{one}</figure>" for one in pictures) + "\n</div>"


# Tables ---------------------------------------------------------------------------------------------------------------


def _paper_table(table: TaskTable) -> str:
    lines = zip(table.lines, main_cells(table, typeset), strict=True)
    return _table(main_head(table), (_paper_row(table, line, cells) for line, cells in lines))


def _paper_row(table: TaskTable, line: Line, cells: Sequence[str]) -> str:
    first = line.figure == PAPER_FIGURES[0]
    styles = ["word" if name in WORDS else "" for name in main_head(table)]
    if line.verdict.endswith(("above", "diverged")):
        styles[-1] = "word above"
    model = _keyed(line.model) if first else ""
    return _row(styles, [model, *map(_escaped, cells[1:])], first)


def _fresh_start_table(table: TaskTable) -> str:
    styles = ["word" if name in WORDS else "" for name in fresh_start_head()]
    lines = zip(table.fresh_starts, fresh_start_cells(table, typeset), strict=True)
    rows = (_row(styles, [_keyed(line.model), *map(_escaped, cells[1:])]) for line, cells in lines)
    return _table(fresh_start_head(), rows, fresh_start_title(table))


def _painted_table(table: TaskTable) -> str:
    styles = ["word" if name in WORDS else "" for name in painted_head()]
    lines = zip(table.painted, painted_cells(table, typeset), strict=True)
    rows = (_row(styles, [_keyed(line.model), *map(_escaped, cells[1:])]) for line, cells in lines)
    return _table(painted_head(), rows, painted_title())


def _table(head: Sequence[str], rows: Iterable[str], caption: str = "") -> str:
    said = f"<caption>{_escaped(caption)}</caption>\n" if caption else ""
    names = "".join(
        f'<th scope="col"{_classed("word" if name in WORDS else "")}>{_escaped(name)}</th>' for name in head
    )
    body = "\n".join(rows)
    return (
        f'<div class="scroll"><table>\n{said}<thead><tr>{names}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>'
    )


def _row(styles: Sequence[str], cells: Sequence[str], first: bool = False) -> str:
    inner = "".join(f"<td{_classed(style)}>{text}</td>" for style, text in zip(styles, cells, strict=True))
    return f"<tr{_classed('first' if first else '')}>{inner}</tr>"


def _classed(style: str) -> str:
    return f' class="{escape(style)}"' if style else ""


# Keys -----------------------------------------------------------------------------------------------------------------


def _legend(models: Iterable[str], truth: bool = True) -> str:
    keys = [("truth", "Truth")] if truth else []
    keys += [(model_class(name), model_title(name)) for name in models]
    spans = "".join(f"<span>{_stroke(style)} {_escaped(name)}</span>" for style, name in keys)
    return f'<div class="legend">{spans}</div>'


def _keyed(model: str) -> str:
    """Return a model's name behind a piece of its line."""
    return _stroke(model_class(model)) + _escaped(model_title(model))


def _stroke(style: str) -> str:
    return (
        '<svg class="key" width="28" height="10" viewBox="0 0 28 10" aria-hidden="true">'
        f'<path class="{escape(style)} curve" d="M1 5h26"/></svg>'
    )
