"""Make the finish lines of races: `python docs/make_finish.py`.

The median over seeds of the field's error that the paper's recipe reached, by task and model, from all fits of the
reproduction, goes into resources/race/paper.json, of three digits. Where two files hold the same fit, it counts once.
"""

import json
from collections import defaultdict
from pathlib import Path
from statistics import median

from hnn_engine.race import PAPER
from hnn_engine.reproduction import read_rows

ROOT = Path(__file__).parents[1]
FITS = ROOT / "docs" / "reproduction"
MADE = ROOT / "resources" / "race" / "paper.json"


def medians() -> dict[str, dict[str, float]]:
    """Return the medians, task -> model -> error."""
    rows = [row for path in sorted(FITS.glob("*.json")) for row in read_rows(path)]
    found: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for row in rows:
        if row.recipe == PAPER and row.field_mse is not None:
            found[row.task, row.model].setdefault(row.seed, row.field_mse)
    made: dict[str, dict[str, float]] = defaultdict(dict)
    for (task, model), errors in sorted(found.items()):
        made[task][model] = float(f"{median(errors.values()):.3g}")
    return dict(made)


def text() -> str:
    """Return what the file holds."""
    return json.dumps(medians(), indent=1) + "\n"


if __name__ == "__main__":
    MADE.parent.mkdir(exist_ok=True)
    MADE.write_text(text(), encoding="utf-8")
    print(MADE)
