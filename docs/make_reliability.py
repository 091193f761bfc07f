"""Make the table of the last long run: `HNN_LAB_TALLY=tried.jsonl pytest -m long -n 0`, then
`python docs/make_reliability.py tried.jsonl`.

What each test of the long part counted is added up by what was tried, goes into docs/reliability.json with commit,
machine and date, and from there as a table between two marks into docs/reliability.md.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.machine import about

HERE = Path(__file__).parent
KEPT, PAGE = HERE / "reliability.json", HERE / "reliability.md"
MARKS = ("<!-- the last long run: begin, by docs/make_reliability.py -->", "<!-- the last long run: end -->")


def added_up(lines: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the counts by what was tried: sums, and of what is a share or a size (`worst_…`) the largest."""
    found: dict[str, dict[str, float]] = {}
    for line in lines:
        counts = found.setdefault(line["what"], {})
        for name, value in line.items():
            if name not in ("test", "what"):
                largest = name.startswith(("worst", "longest"))
                counts[name] = max(counts.get(name, value), value) if largest else counts.get(name, 0) + value
    return found


def table(kept: dict[str, Any]) -> str:
    """Return the table of what is `kept`, with a line that says where it was made."""
    rows = [f"| {what} | {', '.join(words(counts))} |" for what, counts in kept["counts"].items()]
    machine, versions = kept["machine"], ", ".join(f"{name} {version}" for name, version in kept["versions"].items())
    place = f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}"
    head = f"*{kept['date'][:10]}, commit {kept['commit'][:12]}, {place}; {versions}.*"
    return "\n".join([head, "", "| what | counts |", "|---|---|", *rows])


def words(counts: dict[str, float]) -> list[str]:
    """Return counts as people read them: '5,000 tried'."""
    return [
        f"{value:{',.0f' if value == round(value) else '.3g'}} {name.replace('_', ' ')}"
        for name, value in counts.items()
    ]


def between(text: str, content: str) -> str:
    """Return `text` with `content` between the two marks."""
    begin, end = MARKS
    return f"{text[: text.index(begin)]}{begin}\n\n{content}\n\n{text[text.index(end) :]}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the table of the last long run.")
    parser.add_argument("tried", type=Path, nargs="?", help="what the tests wrote to HNN_LAB_TALLY")
    options = parser.parse_args()
    if options.tried is not None:
        lines = [json.loads(line) for line in options.tried.read_text(encoding="utf-8").splitlines()]
        kept = {**about([]), "command": "pytest -m long -n 0", "counts": added_up(lines)}
        KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    PAGE.write_text(between(PAGE.read_text(encoding="utf-8"), table(kept)), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
