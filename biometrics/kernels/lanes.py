"""Sixteen-lane vector arithmetic inside numba kernels, for what its compiler does not find by itself.

numba's loops are vectorised when they are simple. Matrix products in bfloat16 and convolutions that keep their sums in
registers are not; for these the intrinsics of `tiles` write the machine's vector operations themselves, with the small
vocabulary here. `Lanes` is a register of 16 float32 numbers; a memory place is an address in bytes, a whole number.

The products need AVX-512 with BF16 (AMD since Zen 4, Intel since Sapphire Rapids); `supported` tells.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import llvmlite.binding
import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WIDTH = 16
LANE_BYTES = 4 * WIDTH
HALF_BYTES = 2 * WIDTH
NEEDED = ("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512bf16")

_FLOAT, _INT, _LONG = ir.FloatType(), ir.IntType(32), ir.IntType(64)
_FLOATS, _INTS, _HALVES = ir.VectorType(_FLOAT, WIDTH), ir.VectorType(_INT, WIDTH), ir.VectorType(ir.IntType(16), WIDTH)


def supported() -> bool:
    """Whether this processor, and numba as it is set up here, can run the kernels that use this file."""
    config: Any = numba.config
    if config.DISABLE_JIT or config.CPU_NAME or config.CPU_FEATURES:
        return False  # machine code for another processor, or none, was asked for
    features = llvmlite.binding.get_host_cpu_features()
    return all(features.get(name, False) for name in NEEDED)


def _function(module: Any, kind: Any, name: str) -> Any:
    return cgutils.get_or_insert_function(module, kind, name)  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Lanes:
    """A register of 16 float32 numbers in a kernel that is being written; operators work lane by lane."""

    code: Code
    value: Any

    def __add__(self, other: Lanes | float) -> Lanes:
        return self._with(self.code.builder.fadd, other)

    def __sub__(self, other: Lanes | float) -> Lanes:
        return self._with(self.code.builder.fsub, other)

    def __mul__(self, other: Lanes | float) -> Lanes:
        return self._with(self.code.builder.fmul, other)

    def __truediv__(self, other: Lanes | float) -> Lanes:
        return self._with(self.code.builder.fdiv, other)

    def times_plus(self, factor: Lanes | float, term: Lanes | float) -> Lanes:
        """self * factor + term, rounded once."""
        code = self.code
        signature = ir.FunctionType(_FLOATS, [_FLOATS] * 3)
        fma = _function(code.builder.module, signature, "llvm.fma.v16f32")
        return Lanes(code, code.builder.call(fma, [self.value, code.lanes(factor).value, code.lanes(term).value]))

    def at_least(self, other: Lanes | float) -> Lanes:
        """The larger of the two."""
        builder, second = self.code.builder, self.code.lanes(other).value
        return Lanes(self.code, builder.select(builder.fcmp_ordered(">", self.value, second), self.value, second))

    def reciprocal(self) -> Lanes:
        """1 / self to 14 bits, which is enough in front of a rounding to 8; 0 for infinity."""
        return self._estimated("vrcp14ps")

    def inverse_root(self) -> Lanes:
        """1 / sqrt(self) to 14 bits."""
        return self._estimated("vrsqrt14ps")

    def power_of_two(self) -> Lanes:
        """2 ** self to 1e-4 of it (a cubic on each octave); 0 and infinity where it leaves the range."""
        rest = self._estimated("vreduceps $$1,")  # less the whole number below
        octave = rest.times_plus(0.0790199, 0.2241306).times_plus(rest, 0.6967435).times_plus(rest, 0.9998929)
        kind = ir.FunctionType(_FLOATS, [_FLOATS] * 2)
        return Lanes(
            self.code, self.code.builder.asm(kind, "vscalefps $2, $1, $0", "=v,v,v", [octave.value, self.value], False)
        )

    def total(self) -> Lanes:
        """The sum of all lanes, in every lane."""
        builder = self.code.builder
        kind = ir.FunctionType(_FLOAT, [_FLOAT, _FLOATS])
        add = _function(builder.module, kind, "llvm.vector.reduce.fadd.v16f32")
        operands = [ir.Constant(_FLOAT, -0.0), self.value]
        return self.code.lanes_of(builder.call(add, operands, fastmath=("reassoc",)))

    def below(self, count: Any, first: Any) -> Lanes:
        """The lanes, but 0 in those whose number, from `first` on, is not below `count`."""
        builder = self.code.builder
        numbers = ir.Constant(_INTS, list(range(WIDTH)))
        left = self.code.spread(builder.trunc(builder.sub(count, first), _INT), _INTS)
        inside = builder.icmp_signed("<", numbers, left)
        return Lanes(self.code, builder.select(inside, self.value, self.code.lanes(0.0).value))

    def _estimated(self, instruction: str) -> Lanes:
        return Lanes(self.code, self.code.assembly(f"{instruction} $1, $0", _FLOATS, self.value))

    def _with(self, operation: Callable[..., Any], other: Lanes | float) -> Lanes:
        return Lanes(self.code, operation(self.value, self.code.lanes(other).value))


@dataclass(frozen=True)
class Code:
    """The kernel that is being written: loads, stores, loops and variables. Addresses and counts are LLVM values."""

    builder: Any

    def lanes(self, value: Lanes | float) -> Lanes:
        """A constant in every lane; lanes as they are."""
        return value if isinstance(value, Lanes) else Lanes(self, ir.Constant(_FLOATS, [float(value)] * WIDTH))

    def lanes_of(self, scalar: Any) -> Lanes:
        """A float32 that is known when the kernel runs, in every lane."""
        return Lanes(self, self.spread(scalar, _FLOATS))

    def spread(self, scalar: Any, kind: Any) -> Any:
        """A scalar in every lane of a vector of type `kind`."""
        builder, nothing = self.builder, ir.Constant(kind, ir.Undefined)
        one = builder.insert_element(nothing, scalar, ir.Constant(_INT, 0))
        return builder.shuffle_vector(one, nothing, ir.Constant(_INTS, [0] * WIDTH))

    def moved(self, address: Any, *steps: tuple[Any, Any] | int) -> Any:
        """`address` plus steps in bytes: numbers, or pairs of a number and what it is multiplied with."""
        for step in steps:
            if isinstance(step, tuple):
                factor = self.whole(step[0], address) if isinstance(step[0], int) else step[0]
                amount = self.builder.mul(factor, self.whole(step[1], address))
            else:
                amount = self.whole(step, address)
            address = self.builder.add(address, amount)
        return address

    def whole(self, number: Any, like: Any) -> Any:
        """A whole number known now as a constant of the type of `like`; others as they are."""
        return ir.Constant(like.type, number) if isinstance(number, int) else number

    def load(self, address: Any) -> Lanes:
        """16 neighbouring float32 numbers."""
        return Lanes(self, self._load(address, _FLOATS, 4))

    def load_spread(self, address: Any) -> Lanes:
        """One float32 number, in every lane."""
        return self.lanes_of(self._load(address, _FLOAT, 4))

    def load_offset(self, address: Any) -> Any:
        """One int64 number, to step with."""
        return self._load(address, _LONG, 8)

    def count(self, number: Any) -> Lanes:
        """A whole number that is known when the kernel runs, as a float32 in every lane."""
        return self.lanes_of(self.builder.sitofp(number, _FLOAT))

    def load_pairs(self, address: Any) -> Any:
        """Two bfloat16 numbers for each of 16 lanes."""
        return self._load(address, _INTS, 4)

    def load_pair_spread(self, address: Any) -> Any:
        """The same two bfloat16 numbers for every lane."""
        return self.spread(self._load(address, _INT, 4), _INTS)

    def store(self, lanes: Lanes, address: Any) -> None:
        """Keeps 16 float32 numbers."""
        self._store(lanes.value, address, 4)

    def store_halves(self, lanes: Lanes, address: Any) -> None:
        """Keeps 16 numbers as bfloat16, rounded to the nearest."""
        self._store(self.assembly("vcvtneps2bf16 $1, $0", _HALVES, lanes.value), address, 2)

    def dot_pairs(self, sums: Lanes, first: Any, second: Any) -> Lanes:
        """`sums` plus, in each lane, the product of two pairs of bfloat16 numbers."""
        kind = ir.FunctionType(_FLOATS, [_FLOATS, _INTS, _INTS])
        dot = self.builder.asm(kind, "vdpbf16ps $3, $2, $0", "=v,0,v,v", [sums.value, first, second], False)
        return Lanes(self, dot)

    def assembly(self, instruction: str, result: Any, *operands: Any) -> Any:
        """One machine instruction: `$0` is its result, `$1` and on its operands."""
        kind = ir.FunctionType(result, [operand.type for operand in operands])
        return self.builder.asm(kind, instruction, ",".join(["=v", *"v" * len(operands)]), list(operands), False)

    def variable(self, start: Lanes | float) -> Variable:
        """A register whose content may change in loops."""
        return Variable(self, start)

    @contextmanager
    def repeat(self, times: Any) -> Iterator[Any]:
        """A loop; gives the number of the round, from 0."""
        with cgutils.for_range(self.builder, times) as loop:
            yield loop.index

    def place(self, kind: Any) -> Any:
        """Room for a value of type `kind` that may change in loops; LLVM keeps it off the stack."""
        return cgutils.alloca_once(self.builder, kind)  # type: ignore[no-untyped-call]

    def number(self, address: Any, kind: Any) -> Any:
        """What is at `address`, as type `kind` of float32 numbers."""
        return self._load(address, kind, 4)

    def keep(self, value: Any, address: Any) -> None:
        """Writes float32 numbers of any type to `address`."""
        self._store(value, address, 4)

    def _load(self, address: Any, kind: Any, alignment: int) -> Any:
        loaded = self.builder.load(self.builder.inttoptr(address, kind.as_pointer()))
        loaded.align = alignment
        return loaded

    def _store(self, value: Any, address: Any, alignment: int) -> None:
        self.builder.store(value, self.builder.inttoptr(address, value.type.as_pointer())).align = alignment


class Variable:
    """A register whose content may change in loops; LLVM keeps it off the stack."""

    def __init__(self, code: Code, start: Lanes | float) -> None:
        self._code = code
        self._place: Any = cgutils.alloca_once(code.builder, _FLOATS)  # type: ignore[no-untyped-call]
        self.set(start)

    def set(self, value: Lanes | float) -> None:
        """Replace the content."""
        self._code.builder.store(self._code.lanes(value).value, self._place)

    @property
    def lanes(self) -> Lanes:
        """The content."""
        return Lanes(self._code, self._code.builder.load(self._place))


def tile(write: Callable[..., None]) -> Any:
    """Makes a function that writes code, called with `Code` and whole numbers, callable in kernels with the latter."""

    def generate(context: Any, builder: Any, _signature: Any, values: tuple[Any, ...]) -> Any:
        write(Code(builder), *values)
        return context.get_dummy_value()

    def typed(_typing: Any, *given: Any) -> Any:
        return types.void(*[types.intp] * len(given)), generate

    # numba takes the number of arguments from the signature, in which the writer's first one stands for the typing.
    typed.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [parameter.replace(annotation=Any) for parameter in inspect.signature(write).parameters.values()]
    )
    return intrinsic(typed)


llvmlite.binding.initialize_native_asmparser()
