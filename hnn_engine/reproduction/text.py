"""The table as text: for a terminal of 120 columns, and as Markdown for the documentation."""

import textwrap
from collections.abc import Callable, Iterator, Sequence

from hnn_engine.evaluation import STARTS
from hnn_engine.frame_metrics import FRAMES
from hnn_engine.models import MODELS
from hnn_engine.number_format import NONE, raised, scientific, typeset
from hnn_engine.reproduction.table import (
    FIGURE_TITLES,
    HONEST_FIGURES,
    PAINTED_FIGURES,
    FreshStartLine,
    Line,
    Spread,
    TaskTable,
)

WIDTH = 120
Writer = Callable[[float | None, int], str]  # `scientific` or `typeset`: a value and its digits behind the point
WORDS = ("task", "model", "figure", "verdict")  # columns of words, which begin at the left; numbers end at the right


def with_error(spread: Spread, write: Writer = scientific) -> str:
    """Return '3.71e-2 ± 4e-4', without the error where there is none."""
    return write(spread.mean, 2) + (f" ± {write(spread.error, 0)}" if spread.error is not None else "")


def repeated(line: Line, write: Writer = scientific) -> str:
    """Return the re-run's figure, or its range over seeds; 'same' where it is the paper's; – where there is none."""
    if line.paper is None or not line.was_rerun:
        return NONE
    if line.again is None:
        return "same"
    low, high = (write(value, 1) for value in line.again)
    return low if low == high else f"{low} to {high}"


def heading(table: TaskTable) -> str:
    """Return title, recipe and seeds of a table."""
    return f"{table.task.title} · {circumstances(table)}"


def circumstances(table: TaskTable) -> str:
    """Return recipe and seeds of a table, and whether its data is other than the paper's."""
    parts = [f"recipe {table.recipe}", f"{table.seeds} seeds" if table.seeds > 1 else "1 seed"]
    if table.other_data:
        parts.append("not the paper's data, so no comparison with the paper")
    return " · ".join(parts)


def floors(table: TaskTable, write: Writer = scientific) -> str:
    """Return the noise floors in a sentence, or an empty string where none is known."""
    train, test = table.floors
    if train is None or test is None:
        return ""
    if train.mean == test.mean == 0:
        return "Noise floor: 0, for the data has no noise."
    both = f"train {with_error(train, write)}, test {with_error(test, write)}"
    return f"Noise floor, the true field's own loss on these rows: {both}."


def main_head(table: TaskTable) -> tuple[str, ...]:
    """Return the head of the paper's figures and ours, or of ours where there is nothing to compare."""
    ours = ("ours, mean ± error", "median") if table.seeds > 1 else ("ours",)
    return ("model", "figure", "paper", "re-run", *ours, "verdict") if table.compared else ("model", "figure", *ours)


def main_cells(table: TaskTable, write: Writer = scientific) -> list[tuple[str, ...]]:
    """Return the rows under `main_head`."""
    return [tuple(_main_row(line, table, write)) for line in table.lines]


def _main_row(line: Line, table: TaskTable, write: Writer) -> Iterator[str]:
    yield from (model_title(line.model), FIGURE_TITLES[line.figure])
    if table.compared:
        yield from (write(line.paper, 2), repeated(line, write))
    yield with_error(line.ours, write)
    if table.seeds > 1:
        yield write(line.ours.median, 2)
    if table.compared:
        yield line.verdict or NONE


def fresh_start_title(table: TaskTable) -> str:
    """Return what stands over the fresh-start figures."""
    over = "; mean / median over seeds" if table.seeds > 1 else ""
    return f"From {STARTS} new starts of the training distribution, by the true H{over}:"


def fresh_start_head() -> tuple[str, ...]:
    """Return the head of the fresh-start figures."""
    return ("model", *(FIGURE_TITLES[figure] for figure in HONEST_FIGURES), "diverged")


def fresh_start_cells(table: TaskTable, write: Writer = scientific) -> list[tuple[str, ...]]:
    """Return the rows under `fresh_start_head`; none where there are no such figures."""
    if all(line.diverged is None for line in table.fresh_starts):
        return []
    return [
        (
            model_title(line.model),
            *(
                _both(spread, figure, table.seeds, write)
                for spread, figure in zip(line.figures, HONEST_FIGURES, strict=True)
            ),
            diverged(line),
        )
        for line in table.fresh_starts
    ]


def _both(spread: Spread | None, figure: str, seeds: int, write: Writer) -> str:
    if spread is None:
        return NONE
    short = {"valid_time": ".1f", "in_step": ".0f"}.get(figure)
    shown = [format(x, short) if short is not None else write(x, 1) for x in (spread.mean, spread.median)]
    return " / ".join(shown) if seeds > 1 else shown[0]


def painted_title() -> str:
    """Return what stands over the figures of predicted frames."""
    return f"Predicted videos of {FRAMES} frames from the same starts, in step until the angle is off by 10°:"


def painted_head() -> tuple[str, ...]:
    """Return the head of the figures of predicted frames."""
    return ("model", *(FIGURE_TITLES[figure] for figure in PAINTED_FIGURES))


def painted_cells(table: TaskTable, write: Writer = scientific) -> list[tuple[str, ...]]:
    """Return the rows under `painted_head`; none without a model of frames."""
    return [
        (
            model_title(line.model),
            *(_both(s, f, table.seeds, write) for s, f in zip(line.figures, PAINTED_FIGURES, strict=True)),
        )
        for line in table.painted
    ]


def diverged(line: FreshStartLine) -> str:
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
    lines += _aligned(main_head(table), main_cells(table))
    said, fresh, painted = floors(table), fresh_start_cells(table), painted_cells(table)
    lines += ["", said] if said else []
    lines += ["", fresh_start_title(table), *_aligned(fresh_start_head(), fresh)] if fresh else []
    lines += ["", painted_title(), *_aligned(painted_head(), painted)] if painted else []
    for note in table.notes:
        lines += ["", *textwrap.wrap(note, WIDTH - 2, subsequent_indent="  ", initial_indent="* ")]
    return "\n".join(lines)


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of columns; what stands in the first one is said once where it repeats."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    out, before = [], ""
    for row in (head, *rows):
        shown = ["" if row[0] == before else row[0], *row[1:]]
        before = row[0]
        parts = [
            cell.ljust(width) if name in WORDS else cell.rjust(width)
            for name, cell, width in zip(head, shown, widths, strict=True)
        ]
        out.append("  ".join(parts).rstrip())
    return out


# In the documentation -------------------------------------------------------------------------------------------------

SUMMARY_HEAD = (
    "task",
    "model",
    "test loss: paper",
    "ours",
    "energy MSE: paper",
    "ours",
    "clean energy MSE",
    "coord MSE",
    "valid time, s",
)


def markdown(tables: Sequence[TaskTable]) -> str:
    """Return all tables as Markdown, a heading of the third level each."""
    return "\n\n".join(_markdown(table) for table in tables)


def _markdown(table: TaskTable) -> str:
    parts = [f"### {heading(table)}", _piped(main_head(table), main_cells(table, typeset))]
    said, fresh, painted = floors(table, typeset), fresh_start_cells(table, typeset), painted_cells(table, typeset)
    parts += [said] if said else []
    parts += [fresh_start_title(table), _piped(fresh_start_head(), fresh)] if fresh else []
    parts += [painted_title(), _piped(painted_head(), painted)] if painted else []
    parts += ["\n".join(f"- {raised(note)}" for note in table.notes)] if table.notes else []
    return "\n\n".join(parts)


def summary(tables: Sequence[TaskTable]) -> str:
    """Return one Markdown table of all tasks, a row a model: the paper's figures and our medians over seeds."""
    return _piped(SUMMARY_HEAD, [row for table in tables for row in _summary_rows(table)])


def _summary_rows(table: TaskTable) -> list[tuple[str, ...]]:
    rows = []
    for number_of, line_of in enumerate(table.fresh_starts):
        own = {line.figure: line for line in table.lines if line.model == line_of.model}
        compared = [own.get(figure) for figure in ("test_loss", "energy_mse")]
        energy, coord, _, valid = (spread.median if spread is not None else None for spread in line_of.figures)
        rows.append(
            (
                table.task.title if number_of == 0 else "",
                model_title(line_of.model),
                *(text for line in compared for text in _paper_and_ours(line)),
                typeset(energy, 1),
                typeset(coord, 1),
                NONE if valid is None else f"{valid:.1f}",
            )
        )
    return rows


def _paper_and_ours(line: Line | None) -> tuple[str, str]:
    """Return the paper's figure and our median."""
    return (typeset(line.paper), typeset(line.ours.median)) if line is not None else (NONE, NONE)


def _piped(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---" if name in WORDS else "---:" for name in head]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))
