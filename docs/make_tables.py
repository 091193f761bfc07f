"""Make the tables of the reproduction from its fits: `python docs/make_tables.py FITS.json [MORE.json …] [--write]`.

FITS.json is what `hnn-lab reproduce --json` wrote. Without --write the tables are printed as Markdown. With it those of
fits.json go into README.md in the same folder, those of another NAME.json into NAME.md, with what the report (from
--report; index.html or NAME.html there) says of machine and versions; and a short table of all goes into the
repository's README between its two marks. So no figure is typed.
"""

import argparse
import sys
from pathlib import Path
from xml.etree import ElementTree

from hnn_engine.errors import HnnLabError
from hnn_engine.reproduction import TaskTable, read_rows, tables
from hnn_engine.reproduction.text import markdown, summary

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MARKS = ("<!-- reproduction: begin, by docs/make_tables.py -->", "<!-- reproduction: end -->")
HEAD = """# The paper's experiments, run again

Made from [{fits}]({fits}) by `python docs/make_tables.py {place} --write`.

What is compared, and how, is in [tasks](../tasks.md); what each figure means in [figures](../figures.md). The median
over seeds of each of our figures is compared with the larger of the paper's and of a rerun of the paper's code: losses
within a factor of 1.5 and energies within 3 count as the same. ± is the standard error of the mean over seeds.
"""


def facts(page: Path) -> str:
    """Return the facts at the head of a report as a Markdown list."""
    text = page.read_text(encoding="utf-8").removeprefix("<!DOCTYPE html>\n")
    terms = ElementTree.fromstring(text).find(".//dl")
    assert terms is not None
    pairs = zip(terms.iter("dt"), terms.iter("dd"), strict=True)
    return "\n".join(f"- {name.text}: {value.text}" for name, value in pairs)


def page_of(fits: Path) -> Path:
    """Return the page of `fits`."""
    return fits.with_name("README.md") if fits.stem == "fits" else fits.with_suffix(".md")


def write(several: list[Path]) -> None:
    """Write the page of each of the fits, in its folder, and the short table into the README."""
    found = {fits: tables(read_rows(fits)) for fits in several}
    for fits in several:
        if not fits.resolve().is_relative_to(ROOT):
            raise HnnLabError(f"{fits} is outside {ROOT}, but the README can only point into it: copy the fits there")
        write_page(fits, found[fits])
    readme = README.read_text(encoding="utf-8")
    README.write_text(between(readme, short(found)), encoding="utf-8")
    print(README)


def write_page(fits: Path, found: list[TaskTable]) -> None:
    """Write the page of `fits`."""
    report = fits.with_name("index.html") if fits.stem == "fits" else fits.with_suffix(".html")
    parts = [HEAD.format(place=fits.resolve().relative_to(ROOT).as_posix(), fits=fits.name)]
    if report.exists():
        parts += [f"{facts(report)}\n\n[{report.name}]({report.name}) has the plots.\n"]
    page_of(fits).write_text("\n".join([*parts, markdown(found), ""]), encoding="utf-8")
    print(page_of(fits))


def short(found: dict[Path, list[TaskTable]]) -> str:
    """Return what the repository's README says: one table of what the paper's recipe gave, and where the rest is."""
    shown = [table for several in found.values() for table in several if table.recipe == "paper"]
    counts = sorted({table.seeds for table in shown}, reverse=True)
    over = " or ".join(str(count) for count in counts)
    pages = [page_of(fits).resolve().relative_to(ROOT).as_posix() for fits in found]
    links = ", ".join(f"[{Path(page).parent.name if 'README' in page else Path(page).stem}]({page})" for page in pages)
    said = f"Medians over {over} seeds; – where a figure has no meaning. All figures, with their spread: {links}."
    return f"{summary(shown)}\n\n*{said}*"


def between(text: str, content: str) -> str:
    """Return `text` with `content` between the two marks."""
    begin, end = MARKS
    if text.count(begin) != 1 or text.count(end) != 1:
        raise HnnLabError(f"{README} needs the lines '{begin}' and '{end}', once each: add them")
    return f"{text[: text.index(begin)]}{begin}\n\n{content}\n\n{text[text.index(end) :]}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the tables of the reproduction.")
    parser.add_argument("fits", type=Path, nargs="+", metavar="FITS.json", help="what 'hnn-lab reproduce --json' wrote")
    parser.add_argument("--write", action="store_true", help="into README.md in its folder and the repository's README")
    options = parser.parse_args()
    try:
        if options.write:
            write(options.fits)
        else:
            print(markdown([table for fits in options.fits for table in tables(read_rows(fits))]))
    except HnnLabError as error:
        print(f"make_tables: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
