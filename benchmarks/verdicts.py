"""Verdicts on fits whose faults are known: which are found, and whether anything else is said.

A verdict is right where it names a fault that the fit was made with, a stated consequence of one, or what the case says
may come with it (`verdict_cases`). With `--json FILE` each fit's result is written there when it is there; begun again,
what is there already is not done again, unless the rules or the case have changed since.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

import hnn_engine.debugging
from benchmarks.figures import Aims, BenchmarkError, Figures, rounded, say
from benchmarks.verdict_cases import HELD_OUT, TUNING, Case
from hnn_engine.debugging.evidence import gather
from hnn_engine.debugging.verdict import CONSEQUENCES, OFF, RULES, verdict
from hnn_engine.errors import RecordError
from hnn_engine.experiment import Experiment, SystemSource, checked, default_settings, model_spec, opened
from hnn_engine.fit_run import FitRun
from hnn_engine.kernels.cache import load
from hnn_engine.records import Run, load_run, write_run
from hnn_engine.systems import get_system

PARTS: Mapping[str, Sequence[Case]] = {"tuning": TUNING, "held_out": HELD_OUT}
AIMS: Aims = {
    "held_out.wrong": ("≤", 0.0),
    "held_out.found_share": ("≥", 0.9),
    "tuning.wrong": ("≤", 0.0),
    "tuning.found_share": ("≥", 0.9),
}


def measure(options: argparse.Namespace) -> Figures:
    """Fit and judge every case, of one part alone where `--task` names it."""
    parts = PARTS if options.task is None else {options.task: PARTS[options.task]} if options.task in PARTS else None
    if parts is None:
        raise BenchmarkError(f"--task is '{options.task}', but it must be one of {', '.join(PARTS)}")
    load()
    rows = _kept(options.json)
    cases = [(part, case) for part, some in parts.items() for case in sorted(some, key=_takes_long)]
    done: list[dict[str, Any]] = []
    for number, (part, case) in enumerate(cases, 1):
        key = _digest(case)
        row = next((one for one in rows if one["digest"] == key and one["part"] == part), None)
        if row is None:
            row = {"part": part, "digest": key, **judged(case, options.keep)}
            rows = [one for one in rows if (one["part"], one["name"]) != (part, case.name)] + [row]
            _keep(options.json, rows)
        say(f"{number}/{len(cases)}  {line(row)}")
        done.append(row)
    return {
        **{part: summary([row for row in done if row["part"] == part]) for part in parts},
        "rules": len(RULES),
        "rows": rows,
    }


def _takes_long(case: Case) -> bool:
    return case.system in ("three-body", "n-body")


def judged(case: Case, keep: Path | None = None) -> dict[str, Any]:
    """Return what the verdict on `case` is, beside what it should be; a fit is taken from the folder `keep`, or kept
    there."""
    began = time.perf_counter()
    run = fitted(case, keep)
    spent = time.perf_counter() - began
    data = run.experiment.dataset()
    evidence = gather(run, data)
    found = {one.rule: one for one in verdict(evidence)}
    consequences = set().union(*(CONSEQUENCES[one] for one in case.faults), case.may)
    return {
        "name": case.name,
        "system": case.system,
        "model": case.model,
        "recipe": case.recipe,
        "faults": list(case.faults),
        "may": list(case.may),
        "found": {rule: {"certainty": one.certainty, **_plain(one.evidence)} for rule, one in found.items()},
        "missed": [one for one in case.faults if one not in found],
        "consequences": sorted((set(found) & consequences) - set(case.faults)),
        "wrong": sorted(set(found) - set(case.faults) - consequences),
        "field_error": _number(evidence.field.inside),
        "fit_s": rounded(run.fit_seconds),
        "seconds": rounded(spent),
    }


def experiment(case: Case) -> Experiment:
    """Return what a case asks for."""
    base = opened(SystemSource(case.system, get_system(case.system, case.constants).values))
    return checked(
        replace(
            base,
            models=(model_spec(case.model, case.network),),
            recipe=case.recipe,
            data={**base.data, "noise": 0.0, **case.data},
            settings={**default_settings(case.recipe, base.scene), **case.settings},
            start=base.start if case.start is None else case.start,
            rollout=replace(base.rollout, **case.rollout),
            seed=case.seed,
        )
    )


def fitted(case: Case, keep: Path | None) -> Run:
    """Return the run of a case: fitted, or read from `keep`."""
    asked = experiment(case)
    folder = None if keep is None else keep / hashlib.sha256(repr(_fit_of(case)).encode()).hexdigest()[:16]
    if folder is not None and folder.is_dir():
        try:
            run = load_run(folder)
            return replace(run, experiment=replace(run.experiment, start=asked.start, rollout=asked.rollout))
        except RecordError as error:
            say(str(error))
    fit = FitRun(asked, asked.dataset())
    while fit.end is None:
        fit.advance()
    made = fit.as_run(None)
    if made is None:
        raise BenchmarkError(f"{case.name} left no weights: {getattr(fit.end, 'message', 'stopped')}")
    if folder is not None:
        keep.mkdir(parents=True, exist_ok=True)  # type: ignore[union-attr]
        write_run(made, folder, force=True)
    return made


def _fit_of(case: Case) -> dict[str, Any]:
    """What the weights of a case depend on."""
    return {k: v for k, v in asdict(case).items() if k not in ("name", "faults", "start", "rollout", "may")}


def _digest(case: Case) -> str:
    """What the result of a case depends on: itself, and the rules with their evidence."""
    sources = sorted(Path(hnn_engine.debugging.__file__).parent.glob("*.py"))
    whole = repr(case) + "".join(path.read_text(encoding="utf-8") for path in sources)
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _plain(evidence: Mapping[str, float]) -> dict[str, float | None]:
    return {name: _number(value) for name, value in evidence.items()}


def _number(value: float) -> float | None:
    return rounded(value) if np.isfinite(value) else None


def line(row: Mapping[str, Any]) -> str:
    """Return a row as a line of text."""
    said = ", ".join(row["found"]) or "nothing"
    wrong = f"  WRONG: {', '.join(row['wrong'])}" if row["wrong"] else ""
    missed = f"  MISSED: {', '.join(row['missed'])}" if row["missed"] else ""
    return f"{row['name']} ({row['system']}, {row['model']}): {said}{missed}{wrong}"


def summary(rows: Sequence[Mapping[str, Any]]) -> Figures:
    """Count what was found and what was wrong."""
    faults = sum(len(row["faults"]) for row in rows)
    missed = sum(len(row["missed"]) for row in rows)
    off = sum(len(row["missed"]) for row in rows if (row["field_error"] or 0.0) >= OFF)
    return {
        "fits": len(rows),
        "sound": sum(not row["faults"] for row in rows),
        "faults": faults,
        "found": faults - missed,
        "found_share": rounded((faults - missed) / faults, 3) if faults else None,
        "missed_though_off": off,
        "verdicts": sum(len(row["found"]) for row in rows),
        "wrong": sum(len(row["wrong"]) for row in rows),
        "sound_with_a_verdict": sum(not row["faults"] and bool(row["found"]) for row in rows),
    }


def _kept(path: Path | None) -> list[dict[str, Any]]:
    try:
        return list(json.loads(path.read_text(encoding="utf-8"))["rows"]) if path is not None else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _keep(path: Path | None, rows: Sequence[Mapping[str, Any]]) -> None:
    if path is not None:
        path.write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")
