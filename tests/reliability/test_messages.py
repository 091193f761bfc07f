"""What is said of a fault is one line of at most 300 characters that can be printed anywhere, whatever is in it."""

import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnn_engine.cli import main
from hnn_engine.errors import (
    LINE,
    LONGEST,
    NEAREST,
    ExperimentError,
    HnnLabError,
    ParameterError,
    RecordError,
    UnknownNameError,
    listing,
    nearest,
    one_line,
    several,
    shortened,
    shown,
)
from hnn_engine.evaluation import Figures
from hnn_engine.experiment import (
    default_settings,
    from_json,
    model_spec,
    new_experiment,
    recording_experiment,
    to_json,
)
from hnn_engine.fitting import RECIPES
from hnn_engine.integrators import INTEGRATORS
from hnn_engine.models import MODELS, get_model
from hnn_engine.parameters import Parameter, bind
from hnn_engine.recordings import read_shipped_recording
from hnn_engine.records import Run, load_run, load_session
from hnn_engine.records.run import History, Origin
from hnn_engine.reproduction import PlannedFit, Row
from hnn_engine.reproduction import table as tables_of
from hnn_engine.reproduction.report import page
from hnn_engine.reproduction.running import Result
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems import SYSTEMS, get_system
from hnn_engine.tasks import TASKS, get_task

ROOT = Path(__file__).parents[2]
ANY = st.text(st.characters(codec=None), max_size=400)  # control characters and lone surrogates are among them
LONG = st.builds(lambda text, times: text * times, ANY, st.integers(1, 40))
MARKUP = '"><b>x</b><img src="file:///etc/hostname">&amp; \'&x'


def is_a_line(text: str, most: int = LONGEST) -> bool:
    """Whether `text` is one line of printable characters that every file and terminal of UTF-8 takes."""
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    seen = all(unicodedata.category(letter) not in hidden for letter in text)
    return len(text) <= most and len(text.splitlines()) <= 1 and seen and text.encode("utf-8") is not None


# Any text in a message ------------------------------------------------------------------------------------------------

MAKERS: tuple[Callable[[str], HnnLabError], ...] = (
    HnnLabError,
    lambda text: RecordError(f"{text} cannot be read: {text}; restore it from a copy"),
    lambda text: UnknownNameError("system", text, SYSTEMS),
    lambda text: UnknownNameError(text, text, [text, *MODELS]),
    lambda text: RecordError(f"/a/{text}/b cannot be read: {ExperimentError(text)}"),
)


@settings(max_examples=100, deadline=None)
@given(text=ANY | LONG, make=st.sampled_from(MAKERS))
def test_every_message_is_one_line_that_can_be_printed(text: str, make: Callable[[str], HnnLabError]) -> None:
    said = str(make(text))
    assert is_a_line(said)
    assert one_line(said) == said, "a message inside another message stays as it is"


@settings(max_examples=100, deadline=None)
@given(text=ANY | LONG)
def test_names_and_paths_are_written_out_and_cut(text: str) -> None:
    assert is_a_line(shown(text), 10 * len(text))
    assert is_a_line(shortened(text, 40), 40)
    assert all(letter in shown(text) for letter in text if letter.isprintable())


def refuses(act: Callable[[], object]) -> str:
    with pytest.raises(HnnLabError) as caught:
        act()
    return str(caught.value)


@settings(max_examples=40, deadline=None)
@given(text=ANY.filter(lambda text: "\0" not in text and "/" not in text and text not in (".", "..", "")))
def test_what_the_engine_refuses_is_said_in_one_line(text: str) -> None:
    path = Path("nowhere") / text
    for act in (
        lambda: get_system(text),
        lambda: get_system("pendulum", {text: 1}),
        lambda: get_system("pendulum", {"length": text + "…"}),
        lambda: bind([Parameter("kind", "Kind", "a", choices=("a", "b"))], {"kind": text + "…"}, text),
        lambda: load_session(path) if is_a_name(text) else get_system(text),
        lambda: load_run(path) if is_a_name(text) else get_system(text),
        lambda: from_json({"format": text}),
        lambda: from_json({"format": 4, "source": {"system": text}}),
        lambda: model_spec("hnn", {"activation": text}),
        lambda: default_settings(text, new_experiment("pendulum").scene),
    ):
        assert is_a_line(refuses(act))


def is_a_name(text: str) -> bool:
    """Whether a file could be called so here."""
    try:
        return len(os.fsencode(text)) <= 255
    except UnicodeEncodeError:
        return False


def test_control_characters_are_shown_as_such() -> None:
    assert shown("a\nb\x1b[31m\u202e\u2066\u200b\udc80\x85\u2028") == (
        "a\\nb\\x1b[31m\\u202e\\u2066\\u200b\\udc80\\x85\\u2028"
    )
    plain = "C:\\Büro\\Ĥ – 2 × 3.txt; H₂ 日本"
    assert shown(plain) == plain


def test_what_is_too_long_keeps_its_beginning_its_end_and_the_name_of_the_file() -> None:
    path = "/home/somebody/" + "deep/" * 200 + "measured pendulum.hnnlab"
    said = str(RecordError(f"{path} is damaged: session.json is not JSON; restore it from a copy"))
    assert len(said) == LONGEST
    assert said.startswith("/home/somebody/deep/")
    assert said.endswith("/measured pendulum.hnnlab is damaged: session.json is not JSON; restore it from a copy")
    assert shortened(path).endswith("/measured pendulum.hnnlab")
    assert len(shortened(path)) == 60
    words = str(ParameterError(f"length is '{'many words ' * 100}', but it must be a number: choose one"))
    assert words.startswith("length is 'many words")
    assert words.endswith("…: choose one")
    assert str(RecordError(f"{path[:200]} is short")) == f"{path[:200]} is short"


# Lists ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "known", "command"),
    [("system", SYSTEMS, "systems"), ("model", MODELS, "models"), ("recipe", RECIPES, "recipes"),
     ("integrator", INTEGRATORS, "integrators"), ("task", TASKS, "tasks")],
)  # fmt: skip
def test_a_name_that_is_unknown_names_the_nearest_and_the_command_that_lists_all(
    kind: str, known: dict[str, object], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = sorted(known)[-1]
    said = str(UnknownNameError(kind, wanted[:-1], known))
    assert f"did you mean '{wanted}'?" in said
    listed = said.partition("choose one of ")[2].partition(", …" if len(known) > NEAREST else ";")[0].split(", ")
    assert len(listed) == min(len(known), NEAREST)
    assert set(listed) <= set(known)
    if len(known) > NEAREST:
        assert listed[0] == wanted
        assert f"('hnn-lab {command}' lists all {len(known)})" in said
    assert main([command]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in known)


def test_the_nearest_come_first_and_the_alphabet_fills_up() -> None:
    names = ["zebra", "pendulum", "apple", "pixel-pendulum", "cake", "bread", "double-pendulum"]
    assert nearest("pendulu", names)[0] == "pendulum"
    assert nearest("nothing like it", names) == sorted(names)[:NEAREST]
    assert several("x", names[:3]) == "zebra, pendulum, apple"
    assert several("x", names, "'hnn-lab cakes' lists").endswith(", … ('hnn-lab cakes' lists all 7)")
    assert listing(range(100)) == "0, 1, 2, 3, …, 99"
    assert listing(range(5)) == "0, 1, 2, 3, 4"


def test_parameters_are_listed_by_their_command(capsys: pytest.CaptureFixture[str]) -> None:
    experiment = new_experiment("pixel-pendulum")
    assert len(experiment.data) > NEAREST
    document = to_json(experiment)
    said = refuses(lambda: from_json({**document, "data": {"noize": 1}}))
    assert said.startswith("the data has no parameter 'noize': it has noise, ")
    assert said.endswith(f"('hnn-lab train --help' lists all {len(experiment.data)})")
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    out = capsys.readouterr().out
    assert all(f"--{name}" in out for name in experiment.data)


# The command line -----------------------------------------------------------------------------------------------------

EVIL = "a\x1b[31m\nb\u202e" * 60


@pytest.mark.parametrize(
    "words",
    [
        [EVIL, "x"],
        ["train", EVIL, "--model", "hnn", "--system", "pendulum", "--out", "x"],
        ["train", "--system", EVIL, "--model", "hnn", "--out", "nowhere/x"],
        ["train", "--system", "pendulum", "--model", EVIL, "--out", "nowhere/x"],
        ["train", "--system", "pendulum", "--model", "hnn", "--out", "nowhere/x", "--setting", f"{EVIL}=1"],
        ["train", "--recording", EVIL[:90], "--model", "hnn", "--out", "nowhere/x"],
        ["train", "--recording", "x.csv", "--columns", EVIL, "--model", "hnn", "--out", "nowhere/x"],
        ["evaluate", EVIL[:90]],
        ["simulate", "--system", "pendulum", "--start", EVIL, "--out", "x.csv"],
        ["simulate", "--system", "n-body", "--param", "bodies=32", "--start", "1,2", "--out", "x.csv"],
        ["film", "x", "--out", "y.gif", "--theme", EVIL],
        ["reproduce", "--task", EVIL],
        ["reproduce", "--task", "real-pendulum"],
        ["race", EVIL],
    ],
)
def test_the_command_line_says_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(words)
    except SystemExit as end:  # argparse's own
        code = end.code if isinstance(end.code, int) else -1
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert said.err.endswith("\n")
    assert is_a_line(said.err[:-1], LINE)
    assert said.err.startswith("hnn-lab: ")


def test_a_choice_that_is_none_names_the_nearest_and_where_all_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["trian"])
    said = capsys.readouterr().err
    assert "there is no 'trian': choose one of train, " in said
    assert "('hnn-lab --help' lists all 13); did you mean 'train'?" in said


@pytest.mark.parametrize("word", [EVIL, EVIL[:40]])
def test_a_file_that_is_not_there_is_said_in_one_line(word: str) -> None:
    command = [sys.executable, "-m", "app.main", word]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, b"")
    assert is_a_line(done.stderr.decode().removesuffix("\n"), LINE)


# The report -----------------------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Gathers the elements, the attributes and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader


def a_run() -> Run:
    """A model that nobody fitted, of a recording; all strings hold markup."""
    recording = replace(read_shipped_recording(), title=MARKUP, source=MARKUP)
    experiment = replace(recording_experiment(recording), models=(model_spec("hnn", {"width": 4}),))
    spec, rng = experiment.models[0], np.random.default_rng(0)
    shapes = get_model("hnn").weight_shapes(1, spec.settings)
    weights = {name: 0.1 * rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    snapshot = Snapshot("hnn", 1, spec.settings, weights)
    losses = np.array([1.0, 2.0, 3.0])
    history = History(losses, losses, losses, losses)
    origin = Origin("a2", MARKUP)
    return Run("a1", MARKUP, experiment, snapshot, history, None, "failed", MARKUP, 3, 1.0, MARKUP, started_from=origin)


def test_nothing_in_a_report_is_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    run, task = a_run(), get_task("real-pendulum")
    plain = report(task, run, "hnn", "Made", "today", monkeypatch)
    marked = replace(task, title=MARKUP, summary=MARKUP, notes=(MARKUP,))
    evil = report(marked, run, MARKUP, f"Command {MARKUP}", f"{MARKUP}\x1b\udc80", monkeypatch)
    assert evil.elements == plain.elements
    assert evil.attributes == plain.attributes
    assert not {"img", "script", "b"} & evil.elements
    assert evil.text.count('<img src="file:///etc/hostname">') >= 6, "it says what is written"
    assert "\\x1b\\udc80" in evil.text


def report(task: object, run: Run, model: str, fact: str, value: str, monkeypatch: pytest.MonkeyPatch) -> Reader:
    figures = Figures(0.03, 0.04, 0.2, 0.01, 0.1, 0.002, 0.035, 0.036, 5.0, 0, 0.1, 0.2, 3.0).as_dict()
    rows = [
        Row(task.name, name, run.experiment.recipe, 0, steps=3, fit_seconds=1.0, **figures)  # type: ignore[attr-defined]
        for name in ("hnn", model)
    ]
    monkeypatch.setattr(tables_of, "get_task", lambda name: task)
    planned = PlannedFit(task, run.experiment)  # type: ignore[arg-type]
    results = [Result(planned, rows[0], run), Result(planned, rows[1], None, MARKUP)]
    text = page(results, {fact: value})
    assert text.encode("utf-8")
    assert np.isfinite(len(text))
    return read(text)
