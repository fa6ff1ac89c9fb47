"""Arrays of residues that replace NumPy arrays: code that computes with arrays also computes with these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import inf, prod
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.lib.stride_tricks import sliding_window_view

from cmir.proof.values import field
from cmir.proof.values.chance import INPUT_CHANCE, ZERO, Chance
from cmir.proof.values.field import reduce, reduce_sums, residue_of
from cmir.proof.values.interpretation import Interpretation, Order
from cmir.proof.values.ufuncs import ORDERS, UFUNCS, binary
from cmir.support import numerics
from cmir.support.numerics import DuckArray


class NoInterpretationError(Exception):
    """Error for a function of arrays without an interpretation."""


class Residues(NDArrayOperatorsMixin, DuckArray):
    """An array of residues that stand for elements of a NumPy type.

    world: the functions. values: the residues. dtype: the type that they stand for. chance: bound for all elements.
    separate: an axis along which each element has parameters that occur in no other element, or None.

    Functions without an interpretation raise NoInterpretationError; residues are never silently converted to numbers.
    """

    def __init__(
        self, world: Interpretation, values: np.ndarray, dtype: Any, chance: Chance | None = None
    ):
        self.world = world
        self.values = values
        self.dtype = np.dtype(dtype)
        self.chance = INPUT_CHANCE if chance is None else chance
        self.separate: int | None = None
        self._all: tuple[int, Residues] | None = None
        """What `pick` knows of all elements along axes behind the first one, with the number of these axes."""

    def like(self, values: Any, dtype: Any = None, chance: Chance | None = None) -> Residues:
        """Return other residues, with the type and chance of these unless given."""
        values = np.asarray(values, np.float64)
        return Residues(
            self.world, values, dtype or self.dtype, self.chance if chance is None else chance
        )

    def lift(self, x: Any) -> Residues:
        """Return an array as constants; a single number takes the type of these residues, as in iteration bodies."""
        if isinstance(x, Residues):
            return x
        array = np.asarray(x)
        if isinstance(x, bool | int | float | np.generic):
            array = array.astype(self.dtype if numerics.is_float(self.dtype) else np.int64)
            return Residues(self.world, residue_of(array), self.dtype, Chance())
        return lift(self.world, array)

    # The interface of NumPy arrays.

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def ndim(self) -> int:
        return self.values.ndim

    @property
    def size(self) -> int:
        return self.values.size

    @property
    def strides(self) -> tuple[int, ...]:
        return self.values.strides

    @property
    def itemsize(self) -> int:
        return self.values.itemsize

    @property
    def T(self) -> Residues:
        return self.like(self.values.T)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> Residues:
        return self.like(self.values[index], chance=self.chance._replace(distinct=0))

    def __setitem__(self, index: Any, value: Any) -> None:
        value = self.lift(value)
        self.values[index] = value.values
        self._all = None
        self.chance = Chance.of_any((self.chance, value.chance))

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise NoInterpretationError("a function that needs numbers")

    def reshape(self, *shape: Any) -> Residues:
        return self.like(self.values.reshape(*shape))

    def transpose(self, *axes: Any) -> Residues:
        return self.like(self.values.transpose(*axes))

    def swapaxes(self, a: int, b: int) -> Residues:
        return self.like(self.values.swapaxes(a, b))

    def take(self, indices: Any, axis: int | None = None) -> Residues:
        return self.like(self.values.take(indices, axis), chance=self.chance._replace(distinct=0))

    def copy(self) -> Residues:
        return self.like(self.values.copy())

    def max(self, axis: Any = None) -> Residues:
        return self._reduce(np.maximum, axis)

    def min(self, axis: Any = None) -> Residues:
        return self._reduce(np.minimum, axis)

    def astype(self, dtype: Any, copy: bool = True) -> Residues:
        """Convert to another type; integers keep their low bits."""
        return self._convert(np.dtype(dtype), "cast")

    def view(self, dtype: Any) -> Residues:
        """Reinterpret the bits as another type."""
        return self.apply("view", np.dtype(dtype))

    # The functions of `cmir.support.numerics`.

    def erf(self) -> Residues:
        return self.apply("erf")

    def convert(self, dtype: np.dtype[Any]) -> Residues:
        return self._convert(dtype, "convert")

    def wrap(self, dtype: np.dtype[Any]) -> Residues:
        return self._convert(dtype, "wrap")

    def pick(self, *indices: Any) -> Residues:
        """Apply a random function of everything that may be picked, in its order, and of the indices."""
        count, name = len(indices), f"pick {self.kind}"
        if self._all is None or self._all[0] != count:
            rows = self.reshape(
                len(self), prod(self.shape[1 : 1 + count]), *self.shape[1 + count :]
            )
            self._all = count, rows._of_sequence(f"{name} from", 1, self.dtype)
        _, whole = self._all
        rank = self.lift(indices[0]).ndim - 1
        found = whole.reshape(len(whole), *(1,) * rank, *whole.shape[1:])
        for index in map(self.lift, indices):
            at = index.reshape(*index.shape, *(1,) * (whole.ndim - 1))
            found = binary(name, self.dtype, found, at)
        return found

    def place(self, updates: Any, *indices: Any, kind: str | None = None) -> Residues:
        """Apply a random function of all operands."""
        function = partial(numerics.place, kind=kind)
        return self.uninterpreted(f"place {kind}", function, [self, updates, *indices], False)

    def arg_top_k(self, count: int, largest: bool) -> Residues:
        """Apply a random function of all elements in their order."""

        def function(x: np.ndarray) -> np.ndarray:
            return numerics.arg_top_k(x, count, largest)

        return self.uninterpreted(f"top {count} {largest}", function, [self], False)

    def as_type(self, dtype: np.dtype[Any]) -> Residues:
        return self._convert(dtype, "cast")

    def position(self, axis: int, largest: bool, last: bool) -> Residues:
        name = f"position {self.order_kind} {largest} {last}"
        return self._of_sequence(name, axis, np.int32)

    def matrix_product(self, other: Any) -> Residues:
        a, b = self, self.lift(other)
        if numerics.is_float(a.dtype):
            return np.matmul(numerics.widened(a), numerics.widened(b)).astype(a.dtype)
        if a.dtype != np.int64:
            a, b = a.convert(np.dtype(np.int32)), b.convert(np.dtype(np.int32))
        return np.matmul(a, b)

    def uninterpreted(
        self, name: str, function: Callable[..., Any], operands: Sequence[Any], elementwise: bool
    ) -> Residues:
        """Apply a random function to all lanes of the operands together, or to each lane if it is element-wise."""
        lifted = [self.lift(x) for x in operands]
        example = function(*(np.zeros((1, *x.shape[1:]), x.dtype) for x in lifted))
        count = max(map(len, lifted))
        if elementwise:
            aligned = [x.values.reshape(*x.shape, *(1,) * (example.ndim - x.ndim)) for x in lifted]
            lanes = np.stack(np.broadcast_arrays(*aligned), axis=-1)
        else:
            flat = [x.values.reshape(len(x), -1) for x in lifted]
            rows = [np.broadcast_to(x, (count, x.shape[1])) for x in flat]
            lanes = np.concatenate(rows, axis=-1)
        together = self.like(lanes, chance=Chance.of_any(x.chance for x in lifted))
        name = " ".join((name, *(x.kind for x in lifted)))
        result = together._of_sequence(name, -1, example.dtype)
        if elementwise:
            return result
        number = self.world.array(f"{name} lanes", example.shape[1:])
        places = reduce(result.values.reshape(-1, *(1,) * number.ndim) + number)
        return result.like(
            self.world.unary(f"{name} lane", places), chance=result.chance.in_table(f"{name} lane")
        )

    # NumPy's protocols.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "reduce":
            x = inputs[0]
            assert isinstance(x, Residues)
            return x._reduce(ufunc, options.get("axis", 0), options.get("keepdims", False))
        if method != "__call__":
            raise NoInterpretationError(f"numpy.{ufunc.__name__}.{method}")
        typed = [x for x in inputs if isinstance(x, Residues | np.ndarray)]
        first = next(x for x in inputs if isinstance(x, Residues))
        operands = [first.lift(x) for x in inputs]
        dtype = np.result_type(*(x.dtype for x in typed))
        if (function := UFUNCS.get(ufunc)) is not None:
            return function(dtype, *operands)
        if ufunc.nout == 1 and ufunc.nin == 1:
            return first.apply(ufunc.__name__)
        if ufunc.nout == 1 and ufunc.nin == 2:
            return binary(f"{ufunc.__name__} {first.kind}", dtype, *operands)
        raise NoInterpretationError(f"numpy.{ufunc.__name__}")

    def __array_function__(
        self, function: Any, types: Any, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        if function in _MOVING:
            return _move(function, self.lift, arguments, options)
        match function.__name__:
            case "result_type":
                return np.result_type(
                    *(x.dtype if isinstance(x, Residues) else x for x in arguments)
                )
            case "where" if len(arguments) == 3:
                return _select(*arguments)
            case "zeros_like":
                shape, dtype = options.get("shape", self.shape), arguments[1]
                return Residues(self.world, np.zeros(shape), dtype, ZERO)
            case "shape":
                return self.shape
            case name:
                raise NoInterpretationError(f"numpy.{name}")

    # Building blocks of functions.

    @property
    def kind(self) -> str:
        """The kind of type for functions; floats of all widths share it."""
        return "float" if numerics.is_float(self.dtype) else self.dtype.name

    @property
    def order_kind(self) -> str:
        """The kind of type for orders; signed and unsigned integers differ."""
        if numerics.is_float(self.dtype):
            return "float"
        return "unsigned" if self.dtype.kind == "u" else "signed"

    def apply(self, name: str, dtype: Any = None) -> Residues:
        kind = f"{name} {self.kind}" + (f" {dtype}" if dtype is not None else "")
        values = self.world.unary(kind, self.values, _ENDS.get(name))
        return self.like(values, dtype, self.chance.in_table(kind))

    def _convert(self, dtype: np.dtype[Any], how: str) -> Residues:
        old = self.dtype
        if dtype == old or (old == np.bool_ and dtype != np.bool_):
            return self.like(self.values, dtype)
        if numerics.is_float(old) and numerics.is_float(dtype):
            if dtype.itemsize > old.itemsize:
                return self.like(self.values, dtype)
            values = self.world.round(dtype.name, self.values)
            return self.like(values, dtype, self.chance.rounded())
        name = f"{how} {old} as {dtype}"
        return self.like(self.world.convert(name, self.values), dtype, self.chance.converted(name))

    def _of_sequence(self, name: str, axis: int, dtype: Any) -> Residues:
        """Return a random function of all elements along an axis, in their order."""
        terms = self.chance.in_table(f"{name} of").times(INPUT_CHANCE)
        chance = terms.summed(self.shape[axis]).in_table(name)
        return self.like(self.world.of_sequence(name, self.values, axis), dtype, chance)

    def order_of(self, ufunc: np.ufunc) -> Order:
        """Return the order used by a maximum or minimum of operands of this type."""
        largest = ufunc in (np.maximum, np.fmax)
        neutral = -inf if largest else inf
        kind = self.kind
        if self.dtype.kind in "iu":
            limits = np.iinfo(self.dtype)
            number = np.array([limits.min if largest else limits.max])
            neutral = float(residue_of(number)[0])
        return self.world.order(f"{ufunc.__name__} {kind}", neutral)

    def _reduce(self, ufunc: np.ufunc, axis: Any, keepdims: bool = False) -> Residues:
        axes = tuple(range(self.ndim)) if axis is None else axis
        axes = (axes,) if isinstance(axes, int) else tuple(axes)
        x = self.values
        count = prod(x.shape[a] for a in axes)
        if ufunc is np.add:
            sums = reduce_sums(np.asarray(x.sum(axis=axes, keepdims=keepdims)))
            return self.like(sums, chance=self.chance.summed(count, axes == (self.separate,)))
        if ufunc in ORDERS:
            values = self.order_of(ufunc).along(x, axes, keepdims)
            return self.like(
                values, chance=self.chance.in_order(ufunc.__name__, count, self.dtype.kind in "iu")
            )
        if ufunc in (np.multiply, np.logical_and, np.bitwise_and):
            if ufunc is np.bitwise_and and self.dtype != np.bool_:
                raise NoInterpretationError("numpy.bitwise_and.reduce")
            for a in sorted((a % self.ndim for a in axes), reverse=True):
                x = field.product_along(x, a)
                x = np.expand_dims(x, a) if keepdims else x
            return self.like(x, chance=self.chance.to_the(count))
        raise NoInterpretationError(f"numpy.{ufunc.__name__}.reduce")


numerics.erf.register(Residues, Residues.erf)
numerics.convert.register(Residues, Residues.convert)
numerics.as_type.register(Residues, Residues.as_type)
numerics.wrap.register(Residues, Residues.wrap)
numerics.pick.register(Residues, Residues.pick)
numerics.place.register(Residues, Residues.place)
numerics.arg_top_k.register(Residues, Residues.arg_top_k)
numerics.position.register(Residues, Residues.position)
numerics.matrix_product.register(Residues, Residues.matrix_product)


def lift(world: Interpretation, x: Any) -> Residues:
    """Return an array as constants, unless it is already residues."""
    if isinstance(x, Residues):
        return x
    array = np.asarray(x)
    return Residues(world, residue_of(array), array.dtype, Chance())


_ENDS = {"exp": {-inf: 0.0, inf: inf}}
"""Values of functions at −∞ and +∞, where these are not random."""

_MOVING = (
    np.pad,
    np.moveaxis,
    np.concatenate,
    np.stack,
    np.expand_dims,
    np.squeeze,
    np.broadcast_to,
    np.flip,
    np.take,
    np.reshape,
    np.transpose,
    np.swapaxes,
    sliding_window_view,
)
"""Functions that move elements without computation; `numpy.pad` only in the modes below."""

_PERMUTING = (
    *(np.moveaxis, np.expand_dims, np.squeeze, np.flip, np.reshape, np.transpose, np.swapaxes),
)
"""Functions whose result has each element exactly once."""

_PADS = ("constant", "edge", "reflect", "wrap")


def _move(
    function: Callable[..., Any],
    lift: Callable[[Any], Residues],
    arguments: tuple[Any, ...],
    options: dict[str, Any],
) -> Residues:
    found: list[Residues] = []

    def raw(x: Any) -> Any:
        if isinstance(x, Residues):
            found.append(x)
            return x.values
        if isinstance(x, list | tuple) and any(isinstance(part, Residues) for part in x):
            return [raw(lift(part)) for part in x]
        return x

    plain = [raw(x) for x in arguments]
    if function is np.pad:
        mode = arguments[2] if len(arguments) > 2 else options.get("mode", "constant")
        if mode not in _PADS:
            raise NoInterpretationError(f"numpy.pad, mode {mode}")
        if "constant_values" in options:
            padding = lift(options["constant_values"])
            options = {**options, "constant_values": padding.values}
            found.append(padding.like(padding.values, chance=_of_constant(padding)))
    result = function(*plain, **options)
    if function in _PERMUTING:
        return found[0].like(result)
    return found[0].like(result, chance=Chance.of_any(x.chance for x in found))


def _of_constant(x: Residues) -> Chance:
    return ZERO if x.chance.is_constant and not x.values.any() else x.chance


def _select(condition: Any, a: Any, b: Any) -> Residues:
    """Return c·a + (1 − c)·b. An infinity counts as a constant unless c is 0 or 1."""
    first = next(x for x in (condition, a, b) if isinstance(x, Residues))
    given = next((x for x in (a, b) if isinstance(x, Residues)), first)
    a, b = given.lift(a), given.lift(b)
    dtype = np.result_type(a.dtype, b.dtype)
    chosen = Chance.of_any((a.chance, b.chance))
    if not isinstance(condition, Residues):
        return first.like(np.where(condition, a.values, b.values), dtype, chosen)
    c = condition.values
    parts = [first.world.finite("choice", x.values) for x in (a, b)]
    mixed = reduce(reduce(c * (parts[0] - parts[1])) + parts[1])
    if parts[0] is not a.values or parts[1] is not b.values:
        mixed = np.where(c == 1, a.values, np.where(c == 0, b.values, mixed))
    return first.like(mixed, dtype, condition.chance.times(a.chance.plus(b.chance)))
