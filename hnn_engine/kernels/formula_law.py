"""Machine code of a formula: the steps of a program, each written as LLVM's instruction or a call of the C library.

No source text is made on the way, so that nothing typed can get into any; and there is nothing to compile but the
steps, which takes a tenth of a second. It is not kept on disk.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import typing
from numba.extending import intrinsic

from hnn_engine.formulas.program import Program, Step

_DOUBLE = ir.DoubleType()
_FUNCTIONS: dict[str, Callable[..., float]] = {
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")},
    **{name: getattr(math, name) for name in ("asinh", "acosh", "atanh", "exp", "log", "sqrt")},
    "^": math.pow,
    "abs": math.fabs,
}
_INSTRUCTIONS = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}


@lru_cache(maxsize=256)
def compiled_program(program: Program, signature: Any, adds: bool) -> Any:
    """Return the compiled function of (x, c, out) that writes the outputs of `program` into `out`.

    `adds`: it adds them, times the last of c, to the last rows of `out`, as friction does.
    """
    run = _as_intrinsic(program, adds)

    def law(x: Any, c: Any, out: Any) -> None:
        run(x, c, out)

    entries = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # it is called by its address
    return numba.njit([signature], nogil=True, error_model="numpy", **entries)(law)


def _as_intrinsic(program: Program, adds: bool) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def run(typing_context: Any, x: Any, c: Any, out: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            rows, constants, outs = (
                _Row(context, builder, kind, value) for kind, value in zip(signature.args, arguments, strict=True)
            )
            registers = [rows.load(i) for i in range(program.coordinates)]
            registers += [constants.load(i) for i in range(program.constants)]
            registers += [ir.Constant(_DOUBLE, number) for number in program.numbers]
            for step in program.steps:
                registers.append(_value(context, builder, step, [registers[i] for i in step.registers]))
            scale = constants.load(program.constants) if adds else None
            first = program.coordinates - len(program.outputs)
            for i, register in enumerate(program.outputs):
                value = registers[register]
                if scale is not None:
                    value = builder.fadd(outs.load(first + i), builder.fmul(scale, value))
                outs.store(first + i, value)
            return context.get_dummy_value()

        return types.void(x, c, out), codegen

    return run


class _Row:
    """The numbers of an array, by their place."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        self._builder = builder
        self._data = context.make_array(kind)(context, builder, value).data

    def load(self, place: int) -> Any:
        return self._builder.load(self._at(place))

    def store(self, place: int, value: Any) -> None:
        self._builder.store(value, self._at(place))

    def _at(self, place: int) -> Any:
        return self._builder.gep(self._data, [ir.Constant(ir.IntType(64), place)], inbounds=True)


def _value(context: Any, builder: Any, step: Step, read: list[Any]) -> Any:
    """Return what a step gives."""
    name = step.operation
    if name in _INSTRUCTIONS:
        return getattr(builder, _INSTRUCTIONS[name])(*read)
    if name == "neg":
        return builder.fneg(read[0])
    if name == "sign":
        return _sign(builder, read[0])
    numbers = (types.float64,) * len(read)
    return context.get_function(_FUNCTIONS[name], typing.signature(types.float64, *numbers))(builder, read)


def _sign(builder: Any, value: Any) -> Any:
    zero, one = ir.Constant(_DOUBLE, 0.0), ir.Constant(_DOUBLE, 1.0)
    other = builder.select(
        builder.fcmp_ordered("<", value, zero), ir.Constant(_DOUBLE, -1.0), builder.fmul(value, zero)
    )
    return builder.select(builder.fcmp_ordered(">", value, zero), one, other)
