"""A row: what one fit gave, as it stands in the JSON file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from hnn_engine.errors import RecordError
from hnn_engine.evaluation import Figures
from hnn_engine.records import Run
from hnn_engine.reproduction.fit_plan import PlannedFit


@dataclass(frozen=True)
class Row:
    """One fit's figures, as `evaluation.Figures` has them; None where a figure has no meaning, or is infinite because
    the rollout diverged. `fit_seconds` and `valid_time` are in s."""

    task: str
    model: str
    recipe: str
    seed: int
    train_loss: float | None
    test_loss: float | None
    energy_mse: float | None
    clean_energy_mse: float | None
    coord_mse: float | None
    field_mse: float | None
    noise_floor_train: float | None
    noise_floor_test: float | None
    valid_time: float | None
    diverged: int | None
    steps: int
    fit_seconds: float
    energy_median: float | None = None
    reconstruction: float | None = None
    in_step: float | None = None


def row_of(planned: PlannedFit, run: Run | None, steps: int = 0, seconds: float = 0.0) -> Row:
    """Return the row of `run`, or of a fit that left nothing to evaluate after `steps` and `seconds` s."""
    figures = run.figures.as_dict() if run is not None and run.figures is not None else {}
    return Row(
        task=planned.task.name,
        model=planned.model,
        recipe=planned.experiment.recipe,
        seed=planned.seed,
        steps=run.steps if run is not None else steps,
        fit_seconds=round(run.fit_seconds if run is not None else seconds, 4),
        **{name: figures.get(name) for name in Figures.__dataclass_fields__},  # type: ignore[arg-type]
    )


def dump_rows(rows: Sequence[Row]) -> bytes:
    """Return `rows` as a JSON array, one object a fit."""
    return (json.dumps([asdict(row) for row in rows], indent=1, allow_nan=False) + "\n").encode()


def read_rows(path: Path) -> list[Row]:
    """Read back what `dump_rows` made; raise `RecordError` where the file cannot be read or holds something else."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, list):
            raise ValueError("no array")
        return [_row(value) for value in values]
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror or error}; name another file") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise RecordError(
            f"{path} holds no fits ({error}): name a file that 'hnn-lab reproduce --json' wrote"
        ) from error


def _row(value: Any) -> Row:
    row, numbers = Row(**value), {f.name for f in fields(Row)} - {"task", "model", "recipe"}
    if not all(getattr(row, name) is None or type(getattr(row, name)) in (int, float) for name in numbers):
        raise ValueError(f"what should be numbers is none in {str(value)[:80]}")
    return row
