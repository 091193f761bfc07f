"""Make docs/performance.md from the benchmarks' own files: `python docs/make_performance.py`.

docs/performance/NAME.json is what `python -m benchmarks NAME --json docs/performance/NAME.json` wrote. Each becomes a
section with its command, machine, versions and date, and tables of what it says, beside what was aimed at. So no
figure is typed by hand.
"""

import json
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER, PAGE = ROOT / "docs" / "performance", ROOT / "docs" / "performance.md"
Figures = dict[str, Any]

HEAD = """# What it costs

Made by `python docs/make_performance.py` from [performance/](performance). Figures of time are from a small virtual
machine: take them as ratios. An aim stands beside what it is for; **short** marks those that are not met.
"""
TITLES = {
    "fit": "Whole fits, beside the paper's recipe",
    "live": "Fits that follow a hand",
    "step": "One step of a fit",
    "rollout": "Rollouts at equal accuracy",
    "scale": "How cost grows",
}
NOTES = {
    "fit": "Medians over seeds of data, each fit evaluated on noise-free test states and fresh starts "
    "([figures](figures.md)); on the measured pendulum by test loss and the paper's energy. Ratios of errors are ours "
    "over the paper's recipe, on the same data in the same process; *closer*: how many times less coordinate error.",
    "live": "The real window, 1920×1080: a hand drags the noise, then a trajectory of the data. *Fit*: of all chosen "
    "models; *picture*: from the hand's move to its models on screen; *frame*: from one painted frame to the next.",
    "step": "Milliseconds of one Adam step of two layers of 200 units; ratios to the matrix products alone that its "
    "networks need, to plain double backward by torch (as the paper's code has it), and to torch with the field in "
    "closed form.",
    "rollout": "Against the paper's way (adaptive RK45, a gradient by autograd at each call) on the same field, "
    "ours by RK4 (the field in single precision, as the paper's) or by DOP853, whichever is faster, with a step or a "
    "tolerance that makes no larger an error. A thousand at once: ms a trajectory, two threads.",
    "scale": "Exponents of time and of peak memory against size, fitted over all sizes and over the larger half.",
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


class Page:
    """One benchmark's figures, with its aims."""

    def __init__(self, name: str) -> None:
        self.figures: Figures = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        self._aims = import_module(f"benchmarks.{name}").AIMS

    def told(self, path: str, unit: str = "") -> str:
        """Return the figure at `path`, with its aim if it has one."""
        value: Any = self.figures
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            return "–"
        text = f"{value:.3g}{unit}" if isinstance(value, float | int) else str(value)
        if path not in self._aims:
            return text
        sign, aim = self._aims[path]
        met = value <= aim if sign == "≤" else value >= aim
        return f"{text} ({sign} {aim:g}{'' if met else ', **short**'})"


def fit(page: Page) -> str:
    rows = []
    for task, ways in page.figures.items():
        if not isinstance(ways, dict) or "paper" not in ways:
            continue
        rows.append([task, "paper", page.told(f"{task}.paper.seconds", " s"), "1", "1", "1", "1"])
        errors = ("field_mse_ratio", "clean_energy_mse_ratio")
        if "test_loss" in ways["paper"]:
            errors = ("test_loss_ratio", "energy_mse_ratio")
        for way in ways:
            if way != "paper":
                at = f"{task}.{way}"
                figures = ("faster", *errors, "closer")
                rows.append(
                    [task, way, page.told(f"{at}.seconds", " s"), *(page.told(f"{at}.{name}") for name in figures)]
                )
    return table(("task", "recipe", "seconds", "times faster", "field or test loss", "energy", "closer"), rows)


def live(page: Page) -> str:
    rows = []
    for task in ("mass-spring", "pendulum"):
        for models in ("hnn", "both"):
            for hand in ("noise", "trajectory"):
                at = f"{task}.{models}.{hand}"
                parts = [
                    f"{page.told(f'{at}.{name}.p50')}, {page.told(f'{at}.{name}.p95')}"
                    for name in ("fit_ms", "picture_ms", "frame_ms")
                ]
                rows.append([task, {"hnn": "HNN"}.get(models, "HNN and baseline"), hand, *parts])
    return table(("system", "models", "dragged", "fit: p50, p95 ms", "picture", "frame"), rows)


def step(page: Page) -> str:
    from benchmarks.step import FAMILIES

    rows = []
    for model in FAMILIES:
        for size in ("750x2", "1125x2", "200x8"):
            at = f"{model}.{size}"
            names = ("compiled_ms", "to_products", "to_double_backward", "to_torch")
            if size in page.figures.get(model, {}):
                rows.append([model, size.replace("x", " × "), *(page.told(f"{at}.{name}") for name in names)])
    steps = table(("model", "rows × coordinates", "ms", "to products", "to double backward", "to torch"), rows)
    closed = [[m, page.told(f"{m}.sampled_ms"), page.told(f"{m}.denoise_ms")] for m in FAMILIES]
    head = ("model, 40 units on mass-spring's data", "a whole fit by `sampled`, ms", "a step of `denoise`, ms")
    return f"{steps}\n{table(head, closed)}"


def rollout(page: Page) -> str:
    rows = []
    for model, figures in page.figures.items():
        if not isinstance(figures, dict) or "batch_1" not in figures:
            continue
        cells = []
        for batch in ("batch_1", "batch_1000"):
            at = f"{model}.{batch}"
            cells += [page.told(f"{at}.{name}") for name in ("way", "ms", "paper_ms", "faster")]
        rows.append([model, *cells])
    each = ("ms", "the paper's way, ms", "times faster")
    head = ("model", "one", *each, "of 1000", *each)
    return table(head, rows)


def scale(page: Page) -> str:
    rows = []
    for axis in ("data", "width", "bodies"):
        for what, figures in page.figures[axis].items():
            sizes = list(figures["ms"])
            ms = ", ".join(f"{figures['ms'][size]:.3g}" for size in sizes)
            at = f"{axis}.{what}"
            time = f"{page.told(f'{at}.ms_exponent')}; {page.told(f'{at}.ms_exponent_larger')}"
            memory = f"{page.told(f'{at}.mb_exponent')}; {page.told(f'{at}.mb_exponent_larger')}"
            rows.append([axis, what, ", ".join(sizes), ms, time, memory])
    return table(("against", "of", "sizes", "ms", "exponent of time", "of memory"), rows)


def section(name: str, tell: Callable[[Page], str]) -> str:
    """Return the section of a benchmark."""
    page = Page(name)
    figures = page.figures
    versions = ", ".join(f"{key} {value}" for key, value in figures["versions"].items())
    machine, commit = figures["machine"], str(figures["commit"])[:12]
    facts = (
        f"`{figures['command']}` · {figures['date']} · {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['memory_gb']} GB · {versions} · commit {commit} · other programs kept "
        f"{figures['others_kept_busy']} processors busy"
    )
    return f"## {TITLES[name]}\n\n{NOTES[name]}\n\n{tell(page)}\n{facts}\n"


def main() -> int:
    """Write the page."""
    sys.path.insert(0, str(ROOT))
    parts = [section(name, globals()[name]) for name in TITLES if (FOLDER / f"{name}.json").exists()]
    PAGE.write_text(f"{HEAD}\n{chr(10).join(parts)}", encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
