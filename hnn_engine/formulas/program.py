"""A formula as a list of steps on registers, and its evaluation in numpy.

Registers hold the coordinates, then the constants, then the numbers, then what each step gives. A step is the name of
an operation of `OPERATIONS` and the registers that it reads: whatever was typed, nothing else can be in a program.
`kernels.formula_law` makes machine code of the same steps.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.formulas.graph import Graph

OPERATIONS: dict[str, Callable[..., Any]] = {
    # Operators: ten times as quick as numpy's functions on single numbers, and the same on arrays.
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "neg": operator.neg,
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "sqrt", "sign")},
    **{f"a{name}": getattr(np, f"arc{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "abs": np.abs,
}


@dataclass(frozen=True)
class Step:
    """One operation on registers."""

    operation: str
    registers: tuple[int, ...]
    fixed: bool  # it reads constants and numbers alone


@dataclass(frozen=True)
class Program:
    """What evaluates formulas in `coordinates` coordinates and `constants` constants; `outputs` are registers.

    Steps that are fixed come before all others.
    """

    coordinates: int
    constants: int
    numbers: tuple[float, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    def __call__(self, x: Sequence[Any] | Array, c: Sequence[float] | Array) -> list[Any]:
        """Return the outputs, each of the shape of a row of `x` `(coordinates, ...)`, or a number where it is fixed.

        No warning is given where a value is not finite.
        """
        with np.errstate(all="ignore"):
            registers: list[Any] = [*x, *self._fixed(c)]
            put = registers.append
            for function, first, second in self._moving:
                put(function(registers[first]) if second < 0 else function(registers[first], registers[second]))
        return [registers[i] for i in self.outputs]

    def with_constants(self, x: Sequence[Any] | Array, c: Array) -> list[Any]:
        """Return the outputs where each state has constants of its own: `c` `(constants, ...)` as `x`."""
        registers: list[Any] = [*x, *c[: self.constants], *self.numbers]
        with np.errstate(all="ignore"):
            for step in self.steps:
                registers.append(OPERATIONS[step.operation](*[registers[i] for i in step.registers]))
        return [registers[i] for i in self.outputs]

    def __hash__(self) -> int:
        """Return a hash that is computed once: programs are looked up at every call of what is compiled of them."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.coordinates, self.constants, self.numbers, self.steps, self.outputs))

    @cached_property
    def _moving(self) -> tuple[tuple[Callable[..., Any], int, int], ...]:
        steps = [step for step in self.steps if not step.fixed]
        return tuple((OPERATIONS[one.operation], one.registers[0], (*one.registers, -1)[1]) for one in steps)

    def _fixed(self, c: Sequence[float] | Array) -> list[float]:
        """Return the registers of the constants, the numbers and the fixed steps; those of the last call are kept."""
        numbers = c.tobytes() if isinstance(c, np.ndarray) else tuple(c)
        known, kept = self.__dict__.get("_last", (None, []))
        if known == numbers:
            return kept  # type: ignore[no-any-return]
        read = self.coordinates  # what no fixed step reads
        registers: list[float] = [0.0] * read + [float(value) for value in c[: self.constants]] + list(self.numbers)
        for step in self.steps:
            if step.fixed:
                registers.append(float(OPERATIONS[step.operation](*[np.float64(registers[i]) for i in step.registers])))
        self.__dict__["_last"] = numbers, registers[read:]  # one assignment, so threads may
        return registers[read:]


def program_of(graph: Graph, roots: Sequence[int]) -> Program:
    """Return the program whose outputs are the nodes `roots` of a graph."""
    return _Emitter(graph).program(roots)


class _Emitter:
    """Writes the nodes of a graph as steps, powers as multiplications."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        names = [node[0] for node in graph.nodes]
        self.inputs, self.constants = names.count("x"), names.count("c")

    def program(self, roots: Sequence[int]) -> Program:
        wanted = self._wanted(roots)
        numbers = [node for node in wanted if self.graph.nodes[node][0] == "number"]
        self.steps: list[Step] = []
        self.first = self.inputs + self.constants + len(numbers)
        self.made: dict[Step, int] = {}
        self.places: dict[int, int] = {}
        for node in sorted(wanted, key=lambda one: bool(self.graph.depends[one])):  # what is fixed comes first
            name, first, _ = self.graph.nodes[node]
            if name == "x":
                self.places[node] = int(first)
            elif name == "c":
                self.places[node] = self.inputs + int(first)
            elif name == "number":
                self.places[node] = self.inputs + self.constants + numbers.index(node)
            else:
                self.places[node] = self._emit(node)
        values = tuple(float(self.graph.nodes[node][1]) for node in numbers)
        outputs = tuple(self.places[root] for root in roots)
        return Program(self.inputs, self.constants, values, tuple(self.steps), outputs)

    def _wanted(self, roots: Sequence[int]) -> list[int]:
        """Return the nodes that the roots are made of, arguments first."""
        found, ahead = set(roots), list(roots)
        while ahead:
            for part in self._parts(ahead.pop()):
                if part not in found:
                    found.add(part)
                    ahead.append(part)
        return sorted(found)

    def _parts(self, node: int) -> tuple[int, ...]:
        name, first, second = self.graph.nodes[node]
        if name in ("x", "c", "number"):
            return ()
        if name == "*" and self.graph.value(int(first)) == -1:
            return (second,)
        return (int(first), second) if name in ("+", "-", "*", "/", "^") else (int(first),)

    def _emit(self, node: int) -> int:
        name, _, second = self.graph.nodes[node]
        parts = [self.places[part] for part in self._parts(node)]
        fixed = not self.graph.depends[node]
        if name == "whole":
            return self._whole_power(parts[0], second, fixed)
        return self._step("neg" if name == "*" and len(parts) == 1 else name, parts, fixed)

    def _step(self, name: str, registers: Sequence[int], fixed: bool) -> int:
        step = Step(name, tuple(registers), fixed)
        if step not in self.made:
            self.made[step] = self.first + len(self.steps)
            self.steps.append(step)
        return self.made[step]

    def _whole_power(self, base: int, exponent: int, fixed: bool) -> int:
        """Return the register of base ^ exponent, by squaring."""
        if exponent == 1:
            return base
        half = self._whole_power(base, exponent // 2, fixed)
        square = self._step("*", (half, half), fixed)
        return self._step("*", (square, base), fixed) if exponent % 2 else square
