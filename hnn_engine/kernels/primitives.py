"""What loops do with contiguous arrays, in a few instructions each: views, products by BLAS, calls by address.

Numba's own ways serve arrays of any kind. A slice looks after steps and ends beyond the array, a reshape asks whether
it needs a copy, a product holds four calls of BLAS and what is to be said of shapes that differ; and the compiler goes
through all of that at every place where one is written. Here arrays are in C order and nothing is checked.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array
from numba.np.linalg import ensure_blas

_BYTE, _SIZE = ir.IntType(8), ir.IntType(64)
_ADDRESS = _BYTE.as_pointer()
# Kind of number; whether the two are transposed; m, n, k; α, a, lda, b, ldb, β, c, ldc.
_GEMM = ir.FunctionType(
    ir.IntType(32),
    [*[_BYTE] * 3, *[_SIZE] * 3, _ADDRESS, _ADDRESS, _SIZE, _ADDRESS, _SIZE, _ADDRESS, _ADDRESS, _SIZE],
)


@intrinsic  # type: ignore[untyped-decorator]
def line(typing_context: Any, array: Any, begin: Any, count: Any) -> Any:
    """Return `count` numbers of an array, from the number `begin` on, as `(count,)`."""
    kind = types.Array(array.dtype, 1, "C")

    def codegen(context: Any, builder: Any, _: Any, given: Any) -> Any:
        whole, first, size = given
        return _view(context, builder, array, kind, whole, first, [size])

    return kind(array, types.int64, types.int64), codegen


@intrinsic  # type: ignore[untyped-decorator]
def rows(typing_context: Any, array: Any, begin: Any, count: Any) -> Any:
    """Return `count` rows of a matrix, from the row `begin` on, as `(count, width)`."""

    def codegen(context: Any, builder: Any, _: Any, given: Any) -> Any:
        whole, first, size = given
        width = cgutils.unpack_tuple(builder, make_array(array)(context, builder, whole).shape, 2)[1]
        return _view(context, builder, array, array, whole, builder.mul(first, width, flags=["nsw"]), [size, width])

    return array(array, types.int64, types.int64), codegen


@intrinsic  # type: ignore[untyped-decorator]
def matrix(typing_context: Any, array: Any, begin: Any, count: Any, width: Any) -> Any:
    """Return what lies in an array from the number `begin` on as a matrix `(count, width)`."""
    kind = types.Array(array.dtype, 2, "C")

    def codegen(context: Any, builder: Any, _: Any, given: Any) -> Any:
        whole, first, size, columns = given
        return _view(context, builder, array, kind, whole, first, [size, columns])

    return kind(array, types.int64, types.int64, types.int64), codegen


@intrinsic  # type: ignore[untyped-decorator]
def bits(typing_context: Any, array: Any) -> Any:
    """Return the float64 numbers of a line seen as int64, `(count,)`."""
    kind = types.Array(types.int64, 1, "C")

    def codegen(context: Any, builder: Any, _: Any, given: Any) -> Any:
        count, none = make_array(array)(context, builder, given[0]).nitems, context.get_constant(types.intp, 0)
        return _view(context, builder, array, kind, given[0], none, [count])

    return kind(array), codegen


def _view(context: Any, builder: Any, old: Any, new: Any, value: Any, begin: Any, shape: list[Any]) -> Any:
    assert old.layout == new.layout == "C"
    whole, part = make_array(old)(context, builder, value), make_array(new)(context, builder)
    size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(new.dtype)))
    strides = [size]
    for count in shape[:0:-1]:
        strides.insert(0, builder.mul(strides[0], count, flags=["nsw"]))
    data = builder.bitcast(builder.gep(whole.data, [begin], inbounds=True), part.data.type)
    populate_array(part, data, shape, strides, size, whole.meminfo, whole.parent)
    return part._getvalue()


@intrinsic  # type: ignore[untyped-decorator]
def product(typing_context: Any, x: Any, y: Any, out: Any, add: Any) -> Any:
    """out <- x @ y, `(m, k) @ (k, n)`, added to what is there where `add`; x and y may be transposed."""

    def codegen(context: Any, builder: Any, _: Any, given: Any) -> Any:
        ensure_blas()
        arrays = [make_array(kind)(context, builder, value) for kind, value in zip((x, y, out), given, strict=False)]
        (m, k), (_, n), _ = (cgutils.unpack_tuple(builder, array.shape, 2) for array in arrays)
        number = context.get_value_type(out.dtype)
        one, nothing = ir.Constant(number, 1.0), ir.Constant(number, 0.0)
        alpha = cgutils.alloca_once_value(builder, one)
        beta = cgutils.alloca_once_value(builder, builder.select(given[3], one, nothing))
        # BLAS goes column by column: to it, outᵀ = yᵀ xᵀ.
        transposed = [ir.Constant(_BYTE, ord("n" if kind.layout == "C" else "t")) for kind in (y, x)]
        lengths = [n if y.layout == "C" else k, k if x.layout == "C" else m]
        a, b, c = (builder.bitcast(array.data, _ADDRESS) for array in (arrays[1], arrays[0], arrays[2]))
        scales = [builder.bitcast(slot, _ADDRESS) for slot in (alpha, beta)]
        kind = ir.Constant(_BYTE, ord("s" if out.dtype == types.float32 else "d"))
        gemm = cgutils.get_or_insert_function(builder.module, _GEMM, "numba_xxgemm")
        builder.call(gemm, [kind, *transposed, n, m, k, scales[0], a, lengths[0], b, lengths[1], scales[1], c, n])
        return context.get_dummy_value()

    return types.none(x, y, out, types.boolean), codegen


@intrinsic  # type: ignore[untyped-decorator]
def call(typing_context: Any, address: Any, arguments: Any) -> Any:
    """Call what is compiled for just these types of `arguments`, a tuple, by its `jit.Address`; it returns nothing."""
    kinds = tuple(arguments)

    def codegen(context: Any, builder: Any, _: Any, given: Any) -> Any:
        place, values = given
        kind = context.call_conv.get_function_type(types.none, kinds)
        function = builder.inttoptr(place, kind.as_pointer())
        unpacked = cgutils.unpack_tuple(builder, values, len(kinds))
        context.call_conv.call_function(builder, function, types.none, kinds, unpacked)
        return context.get_dummy_value()

    return types.none(types.int64, arguments), codegen
