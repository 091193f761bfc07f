"""The table as text: for a terminal of 120 columns, and as Markdown for the documentation."""

import textwrap
from collections.abc import Sequence

from hnn_engine.evaluation import STARTS
from hnn_engine.models import MODELS
from hnn_engine.reproduction.numbers import NONE, number
from hnn_engine.reproduction.table import FIGURE_TITLES, HONEST_FIGURES, HonestLine, Line, Spread, TaskTable
from hnn_engine.tasks import Span

WIDTH = 120
WORDS = ("model", "figure", "verdict")  # columns of words, which begin at the left; numbers end at the right


def with_error(spread: Spread | None, digits: int = 2) -> str:
    """Return '3.71e-2 ± 4e-4', without the error where there is none."""
    if spread is None:
        return NONE
    return number(spread.mean, digits) + (f" ± {number(spread.error, 0)}" if spread.error is not None else "")


def repeated(line: Line) -> str:
    """Return the re-run's figure, 'same' where it is the paper's."""
    if line.paper is None:
        return NONE
    return "same" if line.again is None else spanned(line.again)


def spanned(span: Span) -> str:
    """Return a range, or one number where both ends are the same."""
    low, high = (number(value, 1) for value in span)
    return low if low == high else f"{low}–{high}"


def heading(table: TaskTable) -> str:
    """Return title, recipe and seeds of a table."""
    return f"{table.task.title} · {circumstances(table)}"


def circumstances(table: TaskTable) -> str:
    """Return recipe and seeds of a table, and whether its data is other than the paper's."""
    parts = [f"recipe {table.recipe}", f"{table.seeds} seeds" if table.seeds > 1 else "1 seed"]
    if table.other_data:
        parts.append("not the paper's data, so no comparison with the paper")
    return " · ".join(parts)


def floors(table: TaskTable) -> str:
    """Return the noise floors in a sentence, or an empty string where none is known."""
    train, test = table.floors
    if train is None or test is None:
        return ""
    if train.mean == test.mean == 0:
        return "Noise floor: 0, for the data has no noise."
    return f"Noise floor, the true field's own loss on these rows: train {with_error(train)}, test {with_error(test)}."


def main_head(table: TaskTable) -> tuple[str, ...]:
    """Return the head of the paper's figures beside ours."""
    ours = ("ours, mean ± error", "median") if table.seeds > 1 else ("ours",)
    return ("model", "figure", "paper", "re-run", *ours, "verdict")


def main_cells(table: TaskTable) -> list[tuple[str, ...]]:
    """Return the rows under `main_head`."""
    return [
        (
            model_title(line.model),
            FIGURE_TITLES[line.figure],
            number(line.paper),
            repeated(line),
            with_error(line.ours),
            *((number(line.ours.median if line.ours is not None else None),) if table.seeds > 1 else ()),
            line.verdict or NONE,
        )
        for line in table.lines
    ]


def honest_title(table: TaskTable) -> str:
    """Return what stands over the honest figures."""
    over = "; mean / median over seeds" if table.seeds > 1 else ""
    return f"From {STARTS} fresh starts of the training distribution, judged by the true H{over}:"


def honest_head() -> tuple[str, ...]:
    """Return the head of the honest figures."""
    return ("model", *(FIGURE_TITLES[figure] for figure in HONEST_FIGURES), "diverged")


def honest_cells(table: TaskTable) -> list[tuple[str, ...]]:
    """Return the rows under `honest_head`; none where nothing can be judged so."""
    if all(line.diverged is None for line in table.honest):
        return []
    return [
        (
            model_title(line.model),
            *(_both(spread, figure, table.seeds) for spread, figure in zip(line.figures, HONEST_FIGURES, strict=True)),
            diverged(line),
        )
        for line in table.honest
    ]


def _both(spread: Spread | None, figure: str, seeds: int) -> str:
    if spread is None:
        return NONE
    shown = [f"{x:.1f}" if figure == "valid_time" else number(x, 1) for x in (spread.mean, spread.median)]
    return " / ".join(shown) if seeds > 1 else shown[0]


def diverged(line: HonestLine) -> str:
    """Return '2 of 45'."""
    return NONE if line.diverged is None else f"{line.diverged} of {line.rollouts}"


def model_title(name: str) -> str:
    """Return what people call a model."""
    return MODELS[name].title if name in MODELS else name


# On a terminal --------------------------------------------------------------------------------------------------------


def terminal(tables: Sequence[TaskTable]) -> str:
    """Return all tables as text of at most `WIDTH` columns."""
    return "\n\n\n".join(_terminal(table) for table in tables)


def _terminal(table: TaskTable) -> str:
    lines = [heading(table), "─" * min(len(heading(table)), WIDTH), ""]
    lines += _aligned([main_head(table), *main_cells(table)])
    said, judged = floors(table), honest_cells(table)
    lines += ["", said] if said else []
    lines += ["", honest_title(table), *_aligned([honest_head(), *judged])] if judged else []
    for note in table.notes:
        lines += ["", *textwrap.wrap(note, WIDTH - 2, subsequent_indent="  ", initial_indent="* ")]
    return "\n".join(lines)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return `rows`, the head first, as lines of columns; the first column is said once where it repeats."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    out, before = [], ""
    for row in rows:
        shown = ["" if row[0] == before else row[0], *row[1:]]
        before = row[0]
        parts = [
            cell.ljust(width) if head in WORDS else cell.rjust(width)
            for head, cell, width in zip(rows[0], shown, widths, strict=True)
        ]
        out.append("  ".join(parts).rstrip())
    return out


# In the documentation -------------------------------------------------------------------------------------------------


def markdown(tables: Sequence[TaskTable], notes: bool = True) -> str:
    """Return all tables as Markdown, a heading of the third level each."""
    return "\n\n".join(_markdown(table, notes) for table in tables)


def _markdown(table: TaskTable, notes: bool) -> str:
    parts = [f"### {heading(table)}", _piped([main_head(table), *main_cells(table)])]
    said, judged = floors(table), honest_cells(table)
    parts += [said] if said else []
    parts += [honest_title(table), _piped([honest_head(), *judged])] if judged else []
    if notes and table.notes:
        parts.append("\n".join(f"- {note}" for note in table.notes))
    return "\n\n".join(parts)


def _piped(rows: Sequence[Sequence[str]]) -> str:
    rule = ["---" if head in WORDS else "---:" for head in rows[0]]
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))
