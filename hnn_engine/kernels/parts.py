"""How functions are compiled that are only parts of others: to the language of LLVM and no further.

Numba makes machine code of every function, with an entry for Python and one for C, and then compiles its lines once
more with each function that calls it. Where only the latter is ever run, two thirds of the compiler's time are for
nothing. Parts go without: their lines are optimised where they end up.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import codegen, compiler, types
from numba.core.compiler_machinery import register_pass
from numba.core.targetconfig import ConfigStack
from numba.core.typed_passes import NativeLowering

_REFUSAL = ctypes.cast(ctypes.pythonapi.PyErr_BadArgument, ctypes.c_void_p).value or 0


class _NoEnvironment:
    """Stands for what would tell machine code of its surroundings."""

    def set_env(self, name: str, environment: object) -> None:
        """There is no machine code to tell."""


class _PartLibrary(codegen.JITCodeLibrary):  # type: ignore[misc]
    """The code of a part, as it is to be linked into that of others."""

    codegen = _NoEnvironment()  # which numba asks when it has made machine code

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        return

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """Return what sets a `TypeError` and gives nothing: a part is never run by itself, and Python, which would
        call what stands here, would jump to nowhere."""
        return _REFUSAL


@register_pass(mutates_CFG=True, analysis_only=False)
class _PartLowering(NativeLowering):  # type: ignore[misc]
    _name = "lowering_of_a_part"

    def run_pass(self, state: Any) -> bool:
        """Translate into the language of LLVM."""
        state.library = _PartLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return bool(super().run_pass(state))


class PartCompiler(compiler.CompilerBase):  # type: ignore[misc]
    """Numba's own pipeline, but for its end."""

    def define_pipelines(self) -> list[Any]:
        """Return the one way of compiling."""
        pipeline = compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)
        pipeline.passes = [(_PartLowering if one is NativeLowering else one, said) for one, said in pipeline.passes]
        pipeline.finalize()
        return [pipeline]


# Options of a part.
PART: dict[str, Any] = {"pipeline_class": PartCompiler, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


@contextmanager
def remembered_types() -> Iterator[None]:
    """Let numba remember which of its functions fits what types, as long as this lasts. It goes through some dozen
    overloads for every `a[i]` and every sum, as if it had not done so for the line before: a fifth of its time."""
    functions: Any = types.functions.BaseFunction
    ask, known = functions.get_call_type, dict[Any, Any]()

    def get_call_type(self: Any, context: Any, args: Any, kws: Any) -> Any:
        flags = ConfigStack.top_or_none()
        how = None if flags is None else (frozenset(flags.fastmath.flags), flags.error_model, flags.nrt)
        key = id(self), context, args, tuple(kws.items()), how
        if key in known:
            _, found, implementation = known[key]
            self._impl_keys[found.args] = implementation
            return found
        found = ask(self, context, args, kws)
        known[key] = self, found, self._impl_keys[found.args]  # itself too, or another may have its id
        return found

    functions.get_call_type = get_call_type
    try:
        yield
    finally:
        functions.get_call_type = ask
