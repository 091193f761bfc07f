"""The options that say which system: one of the table, a formula, or a `.hnnsystem` file."""

import argparse
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from hnn_engine.cli.values import names
from hnn_engine.errors import ParameterError, UnknownNameError, shortened
from hnn_engine.experiment import SystemSource, own_source
from hnn_engine.own_systems.definition import Definition, canonical_pairs, define
from hnn_engine.own_systems.files import SUFFIX, load_shelved, load_system, shelf
from hnn_engine.own_systems.start_settings import BAND
from hnn_engine.parameters import Value
from hnn_engine.systems import SYSTEMS, get_system

SIGNED = (
    "--param",
    "--hamiltonian",
    "--lagrangian",
    "--friction",
    "--energies",
)  # options whose value may begin with a minus sign
_TYPED = ("friction", "coordinates", "momenta")  # options that go with a formula


def add_source(group: argparse._ActionsContainer) -> None:
    """Add the options of which one says the system."""
    group.add_argument(
        "--system", metavar="S", help=f"a system's name, see 'hnn-lab systems', or a file whose name ends in {SUFFIX}"
    )
    group.add_argument("--hamiltonian", metavar="TEXT", help="H of a system of your own, as in 'p^2/(2m) + k q^2/2'")
    group.add_argument("--lagrangian", metavar="TEXT", help="or its Lagrangian, as in 'm qdot^2/2 - k q^2/2'")


def add_details(parser: argparse.ArgumentParser) -> None:
    """Add the options that say more of it."""
    parser.add_argument("--param", metavar="NAME=VALUE", action="append", default=[], help="a constant of the system")
    parser.add_argument(
        "--friction", metavar="TEXT", help="what is added to dp/dt of a typed H: '-gamma p + F cos(omega t)'"
    )
    parser.add_argument("--coordinates", metavar="q,…", help="names of the coordinates of a typed H (q, or q1 to q4)")
    parser.add_argument("--momenta", metavar="p,…", help="names of their momenta (p, p1 to p4, p_x of x)")


def add_energies(parser: argparse.ArgumentParser) -> None:
    """Add the option that says at which energies the training data of a typed system begins."""
    parser.add_argument(
        "--energies", metavar="FROM,TO", help="draw the starts of a typed system where H is between these two, in J"
    )


def energies_of(text: str | None, source: SystemSource) -> dict[str, Value]:
    """Return the settings of the data that `--energies` says; raise `ParameterError`."""
    if text is None:
        return {}
    if source.definition is None:
        raise ParameterError(f"--energies is for a system that is typed, or of the shelf, and {source.name} is none")
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = math.nan
    if not math.isfinite(low + high) or not low < high:
        raise ParameterError(f"--energies is '{shortened(text)}', but it must be two rising numbers, as in 0.5,2")
    return {"starts": BAND, "energy-from": low, "energy-to": high}


def source_of(options: argparse.Namespace) -> SystemSource:
    """Return the system that the options say; raise `HnnLabError`."""
    given = pairs(options.param, "--param")
    if options.hamiltonian is not None or options.lagrangian is not None:
        return own_source(_typed(options, _numbers(given)))
    for name in _TYPED:
        if getattr(options, name) is not None:
            raise ParameterError(
                f"--{name} goes with --hamiltonian or --lagrangian, but a system is named: leave it out"
            )
    return named_source(str(options.system), given)


def named_source(name: str, constants: Mapping[str, object]) -> SystemSource:
    """Return the system of a name: one of the table, a file, or one of the shelf; raise `HnnLabError`."""
    if name in SYSTEMS:
        return SystemSource(name, get_system(name, constants).values)
    if name.endswith(SUFFIX):
        return own_source(load_system(Path(name)), constants)
    if name in shelf():
        return own_source(load_shelved(name), constants)
    raise UnknownNameError("system", name, (*SYSTEMS, *shelf()))


def _typed(options: argparse.Namespace, constants: Mapping[str, float]) -> Definition:
    coordinates, momenta = (
        names(text, f"--{option}") if text is not None else []
        for option, text in (("coordinates", options.coordinates), ("momenta", options.momenta))
    )
    if momenta and not coordinates:
        raise ParameterError("--momenta goes with --coordinates, which say what each belongs to: name those too")
    friction = options.friction or ""
    if options.lagrangian is None:
        return define(options.hamiltonian, coordinates, momenta, constants, friction)
    from hnn_engine.own_systems.lagrangian import from_lagrangian

    specs = canonical_pairs(coordinates, momenta)
    return from_lagrangian(options.lagrangian, specs, constants, friction)


def _numbers(given: Mapping[str, object]) -> dict[str, float]:
    """Read the values of constants that have no range yet."""
    found = {}
    for name, text in given.items():
        try:
            value = float(str(text))
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ParameterError(f"--param {shortened(name)} is '{shortened(text)}', but it must be a finite number")
        found[name] = value
    return found


def pairs(texts: Iterable[str], option: str) -> dict[str, object]:
    """Read NAME=VALUE texts."""
    found: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ParameterError(f"{option} is '{text}', but it must be NAME=VALUE, as in length=1.5")
        found[name] = value
    return found


def with_constants(source: SystemSource, constants: Mapping[str, object]) -> SystemSource:
    """Return the same system with other constants; raise `ParameterError`."""
    return replace(source, constants=source.system(constants).values)
