"""What compiled callbacks are made with: the compiler, and what its language lacks.

The machine code is cached on disk by the date of the file that a callback is in: whoever changes
this one touches those.
"""

from __future__ import annotations

import ctypes
import functools
import time
from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import cfunc, njit, types
from numba.core import cgutils
from numba.extending import intrinsic

HOST_CLOCK = hasattr(time, "clock_gettime") and ctypes.sizeof(ctypes.c_long) == 8
"""Whether the callback can read the host's monotonic clock by itself."""

jit: Any = njit  # the type stubs of both know nothing of bare decorators
_intrinsic: Any = intrinsic

# PaStreamCallback. C's unsigned long is 32 bits wide on Windows.
ULONG = types.uint64 if ctypes.sizeof(ctypes.c_ulong) == 8 else types.uint32
_POINTER = types.voidptr
_SIGNATURE = types.intc(_POINTER, _POINTER, ULONG, _POINTER, ULONG, _POINTER)


def _fence(ordering: str) -> Any:
    @_intrinsic
    def fence(typing_context: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            builder.fence(ordering)
            return ir.Constant(ir.IntType(64), 0)

        return types.int64(), generate

    return fence


release_fence = _fence("release")
"""Make every store above visible to other threads before any store below."""
full_fence = _fence("seq_cst")
"""Let no load below be done before a store above."""


@_intrinsic
def pointer(typing_context: Any, address: Any) -> Any:
    """An address as a pointer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(types.voidptr))

    return _POINTER(types.int64), generate


@_intrinsic
def host_seconds(typing_context: Any) -> Any:
    """The clock of `time.monotonic`; needs `HOST_CLOCK`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole, real = ir.IntType(64), ir.DoubleType()
        if not HOST_CLOCK:
            return ir.Constant(real, 0.0)
        timespec = cgutils.alloca_once(builder, ir.ArrayType(whole, 2))
        kind = ir.FunctionType(ir.IntType(32), [ir.IntType(32), timespec.type])
        read = cgutils.get_or_insert_function(builder.module, kind, "clock_gettime")
        builder.call(read, [ir.Constant(ir.IntType(32), time.CLOCK_MONOTONIC), timespec])
        both = builder.load(timespec)
        seconds, nanoseconds = (
            builder.sitofp(builder.extract_value(both, part), real) for part in range(2)
        )
        return builder.fadd(seconds, builder.fmul(nanoseconds, ir.Constant(real, 1e-9)))

    return types.float64(), generate


@_intrinsic
def call(
    typing_context: Any,
    address: Any,
    taken: Any,
    given: Any,
    count: Any,
    times: Any,
    flags: Any,
    user: Any,
) -> Any:
    """Call a PaStreamCallback by its address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = [context.get_value_type(kind) for kind in signature.args[1:]]
        function = ir.FunctionType(ir.IntType(32), kinds)
        target = builder.inttoptr(arguments[0], function.as_pointer())
        return builder.call(target, arguments[1:])

    return types.intc(types.int64, *_SIGNATURE.args), generate


@functools.cache
def compiled(callback: Callable[..., int]) -> Any:
    """A PaStreamCallback as machine code, at its ``address``; the first call may take seconds.

    Call it before a stream starts. It is compiled once in a process, kept on disk where a folder
    allows it, and stays valid for the life of the process.
    """
    try:
        return cfunc(_SIGNATURE, cache=True)(callback)
    except RuntimeError:  # no writable folder for the cache: compile for this process only
        return cfunc(_SIGNATURE)(callback)


def callable_at(address: int) -> Callable[..., int]:
    """The PaStreamCallback at an address for Python to call, as a device would."""
    pointer, whole = ctypes.c_void_p, ctypes.c_ulong
    kinds = (pointer, pointer, whole, pointer, whole, pointer)
    return ctypes.CFUNCTYPE(ctypes.c_int, *kinds)(address)
