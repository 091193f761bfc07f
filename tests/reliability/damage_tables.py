"""Tables of measured data, and seeded damage to them: what exports, loggers, editors and transfers do to a file."""

import random
from collections.abc import Callable

from hnn_engine.recordings import shipped_recording

ROWS = 160
Damage = Callable[[random.Random, list[str]], list[str]]
CELLS = (
    *(
        "nan",
        "NaN",
        "inf",
        "-inf",
        "1e400",
        "-1e400",
        "1e99",
        "1e101",
        "1e-400",
        "",
        " ",
        "abc",
        "1,5",
        "1.5.2",
        "0x1F",
    ),
    *("1_000", "--", "+", "1e", "True", "None", "#N/A", "12:30:05", "٣", "½", "−1", "9" * 400, "1e7", "-0.0", "5e-324"),
    *(
        '"',
        '"1"',
        '""',
        "'1'",
        "\x00",
        "\x1b[2J",
        "\x85",
        "\u2028",
        "\v",
        "\f",
        "\ufeff",
        "<b>1</b>",
        "=1+1",
        "1;2",
        "1\t2",
    ),
)


def _cells(line: str) -> tuple[list[str], str]:
    mark = next((mark for mark in (";", "\t", ",") if mark in line), " ")
    return line.split(mark), mark


def _some(rng: random.Random, lines: list[str]) -> int:
    return rng.randrange(len(lines)) if rng.random() < 0.7 else min(rng.randrange(12), len(lines) - 1)


def replace_cell(rng: random.Random, lines: list[str]) -> list[str]:
    """Put something else into a cell."""
    at = _some(rng, lines)
    cells, mark = _cells(lines[at])
    cells[rng.randrange(len(cells))] = rng.choice(CELLS)
    return [*lines[:at], mark.join(cells), *lines[at + 1 :]]


def replace_column(rng: random.Random, lines: list[str]) -> list[str]:
    """Put the same into every cell of a column."""
    column, word = rng.randrange(4), rng.choice(CELLS)
    out = []
    for line in lines:
        cells, mark = _cells(line)
        if column < len(cells) and not line.startswith(("#", "%")):
            cells[column] = word
        out.append(mark.join(cells))
    return out


def swap_columns(rng: random.Random, lines: list[str]) -> list[str]:
    """Turn the order of the columns round, so that no time rises."""
    return [line if line.startswith(("#", "%")) else _cells(line)[1].join(_cells(line)[0][::-1]) for line in lines]


def cut_line(rng: random.Random, lines: list[str]) -> list[str]:
    """Leave out the end of a line."""
    at = _some(rng, lines)
    return [*lines[:at], lines[at][: rng.randrange(len(lines[at]) + 1)], *lines[at + 1 :]]


def join_lines(rng: random.Random, lines: list[str]) -> list[str]:
    """Leave out a line's end."""
    at = _some(rng, lines)
    return [*lines[:at], lines[at] + (lines[at + 1] if at + 1 < len(lines) else ""), *lines[at + 2 :]]


def double_lines(rng: random.Random, lines: list[str]) -> list[str]:
    """Write some lines twice, so that time repeats or runs backward."""
    at, count = _some(rng, lines), rng.randrange(1, 9)
    return [*lines[: at + count], *lines[at:]]


def drop_lines(rng: random.Random, lines: list[str]) -> list[str]:
    """Leave out some lines, or all but a few."""
    at = _some(rng, lines)
    count = rng.choice((1, 3, 20, 150))
    return [*lines[:at], *lines[at + count :]] or [""]


def shuffle_lines(rng: random.Random, lines: list[str]) -> list[str]:
    """Change the order of some lines."""
    at = _some(rng, lines)
    part = lines[at : at + 6]
    rng.shuffle(part)
    return [*lines[:at], *part, *lines[at + 6 :]]


def other_delimiter(rng: random.Random, lines: list[str]) -> list[str]:
    """Part the cells of one line, or of all from there on, by something else."""
    at, mark = _some(rng, lines), rng.choice((";", ",", "\t", " ", "|", ", ", ",,"))
    end = at + 1 if rng.random() < 0.5 else len(lines)
    return [*lines[:at], *(mark.join(_cells(line)[0]) for line in lines[at:end]), *lines[end:]]


def unusual_ends(rng: random.Random, lines: list[str]) -> list[str]:
    """End some lines otherwise."""
    ends = rng.choice((["\r"], ["\r", ""], [",", ""], [";"], [" "], ["\t"], ["\r\r"], ["\f", "", "", ""]))
    return [line + rng.choice(ends) for line in lines]


def odd_lines(rng: random.Random, lines: list[str]) -> list[str]:
    """Put a line between the others that is none of them."""
    at = _some(rng, lines)
    odd = rng.choice(
        ("", "   ", "# a comment", "% x v", "%o v", "pause", '"', ",,,", "1", "0 " * 1200, "x" * 5000, "\t# 5")
    )
    return [*lines[:at], odd, *lines[at:]]


def huge_steps(rng: random.Random, lines: list[str]) -> list[str]:
    """Scale the numbers of a stretch of lines."""
    at, power = _some(rng, lines), rng.choice((-300, -30, -9, 5, 9, 30, 90, 300))
    out = [*lines[:at]]
    for line in lines[at : at + rng.choice((1, 5, 200))]:
        cells, mark = _cells(line)
        out.append(mark.join(f"{cell}e{power}" if cell[-1:].isdigit() else cell for cell in cells))
    return out + lines[len(out) :]


def states_energy(rng: random.Random, lines: list[str]) -> list[str]:
    """State an energy that is none."""
    a, b = (rng.choice(("1", "0", "-1", "nan", "inf", "1e400", "x", "1e-320", "1e308")) for _ in "ab")
    return [f"# reference energy: a = {a}, b = {b}", *lines]


LINE_DAMAGES: tuple[Damage, ...] = (
    replace_cell,
    replace_cell,
    replace_column,
    swap_columns,
    cut_line,
    join_lines,
    double_lines,
    drop_lines,
    shuffle_lines,
    other_delimiter,
    unusual_ends,
    odd_lines,
    huge_steps,
    states_energy,
)


def flip_bytes(rng: random.Random, raw: bytes) -> bytes:
    """Change some bytes."""
    data = bytearray(raw)
    for _ in range(rng.randrange(1, 6)):
        if data:
            data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def cut_bytes(rng: random.Random, raw: bytes) -> bytes:
    """Leave out the end."""
    return raw[: rng.randrange(len(raw) + 1)]


def insert_bytes(rng: random.Random, raw: bytes) -> bytes:
    """Put something between."""
    at = rng.randrange(len(raw) + 1)
    return (
        raw[:at] + rng.choice((b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\n\n", b'"', b"\x80", b"\r", b"\x1a")) + raw[at:]
    )


BYTE_DAMAGES = (flip_bytes, cut_bytes, insert_bytes)


def _lines() -> list[str]:
    """Return the shipped recording: comments, a header, rows of time, angle and velocity."""
    lines = shipped_recording().read_text(encoding="utf-8").splitlines()
    first = next(i for i, line in enumerate(lines) if line[:1].isdigit())
    return lines[: first + ROWS]


def _rows(lines: list[str]) -> list[list[str]]:
    return [line.split(",") for line in lines if line[:1].isdigit()]


def whole_tables() -> dict[str, list[str]]:
    """Return honest tables, by what is special about them."""
    lines = _lines()
    rows = _rows(lines)
    two = [[str(i // 40), *row] for i, row in enumerate(rows)]
    return {
        "shipped": lines,
        "bare": [",".join(row) for row in rows],
        "tabs": ["time\tangle\tvelocity", "s\trad\trad/s", *("\t".join(row) for row in rows)],
        "decimal commas": ["Zeit;Winkel", *(";".join(row[:2]).replace(".", ",") for row in rows)],
        "known layout": ["%o v", *("  ".join(row) for row in two)],
        "trials": ["trial,time_ms,x [mm]", *(",".join(row[:3]) for row in two)],
        "quoted": ['"t","a note","angle (deg)"', *(f'"{t}","late, but there","{q}"' for t, q, _ in rows)],
        "lengths": ["% x v", *("\t".join(row) for row in two)],
    }


def damaged_table(seed: int, tables: dict[str, list[str]]) -> bytes:
    """Return one of the tables, damaged once to four times, in one of several encodings."""
    rng = random.Random(seed)
    lines = tables[rng.choice(sorted(tables))]
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        lines = rng.choice(LINE_DAMAGES)(rng, lines)
    end = rng.choice(("\n", "\n", "\r\n", "\r"))
    text = end.join(lines) + rng.choice((end, "", end + end))
    raw = text.encode(rng.choice(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1")), errors="replace")
    for _ in range(rng.choice((0, 0, 1, 2))):
        raw = rng.choice(BYTE_DAMAGES)(rng, raw)
    return raw
