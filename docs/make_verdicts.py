"""Make the tables of verdicts: `python -m benchmarks verdicts --json docs/verdicts.json`, then
`python docs/make_verdicts.py`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hnn_engine.number_format import percent

HERE = Path(__file__).parent
KEPT, PAGE = HERE / "verdicts.json", HERE / "visual-debugging.md"
MARKS = ("<!-- verdicts: begin, by docs/make_verdicts.py -->", "<!-- verdicts: end -->")
TITLES = {"held_out": "Held out", "tuning": "Tuning"}


def counts(kept: Mapping[str, Any]) -> str:
    """Return the table of what was found and what was wrong."""
    head = (
        "part",
        "fits",
        "sound",
        "faults",
        "found",
        "missed, field off",
        "verdicts",
        "wrong",
        "sound, with a verdict",
    )
    keys = ("fits", "sound", "faults", "found", "missed_though_off", "verdicts", "wrong", "sound_with_a_verdict")
    rows = [(title, *(str(kept[part][key]) for key in keys)) for part, title in TITLES.items() if part in kept]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


def fits(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of all fits of a part."""
    lines = [
        "| fit | system, model, recipe | field error | made with | found | missed or **wrong** |",
        "|---" * 6 + "|",
    ]
    for row in rows:
        made = ", ".join(row["faults"]) or "sound"
        found = [f"{name}{'*' if name in row['may'] and name not in row['faults'] else ''}" for name in row["found"]]
        off = [*row["missed"], *(f"**{name}**" for name in row["wrong"])]
        whose = f"{row['system']}, {row['model']}, {row['recipe']}"
        error = "–" if row["field_error"] is None else percent(row["field_error"])
        lines.append(
            f"| {row['name']} | {whose} | {error} | {made} | {', '.join(found) or '–'} | {', '.join(off) or '–'} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Write the tables into the page."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    machine, commit = kept["machine"]["cpu"], kept["commit"][:12]
    parts = [f"*{kept['date'][:10]}, commit {commit}, {machine}.*", counts(kept)]
    for part, title in TITLES.items():
        some = [row for row in kept["rows"] if row["part"] == part]
        parts += [f"<details><summary>{title}: every fit</summary>", fits(some), "</details>"]
    text, (begin, end) = PAGE.read_text(encoding="utf-8"), MARKS
    content = "\n\n".join(parts)
    PAGE.write_text(f"{text[: text.index(begin)]}{begin}\n\n{content}\n\n{text[text.index(end) :]}", encoding="utf-8")


if __name__ == "__main__":
    main()
