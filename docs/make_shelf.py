"""Write the table of the systems that come with the program into docs/own-systems.md: `python docs/make_shelf.py`."""

from pathlib import Path

from hnn_engine.own_systems.files import load_shelved, shelf

PAGE = Path(__file__).parent / "own-systems.md"
BEGIN, END = "<!-- the shelf: begin, by docs/make_shelf.py -->", "<!-- the shelf: end -->"


def table() -> str:
    """Return the table, a row a system, those with the fewest coordinates first."""
    rows = [(load_shelved(name).dof, name, load_shelved(name)) for name in shelf()]
    lines = ["| name | | what it is | source |", "|---|---|---|---|"]
    for dof, name, one in sorted(rows, key=lambda row: row[:2]):
        lines.append(f"| `{name}` | {dof} | {one.summary} | {one.source} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """Return the page with the table in its place."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
