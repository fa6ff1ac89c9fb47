"""Verification of storage relations."""

from __future__ import annotations

import islpy as isl
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Attribute
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.polyhedral.arrays import ArrayOp
from cmir.dialects.polyhedral.relations import MapAttr, box, core_parameters_problem, sample
from cmir.support.counts import count_of


def verify_storage(
    storage: MapAttr, array: ArrayOp, buffer: MemRefType[Attribute], core_dims: int
) -> None:
    """Check that a buffer has the array's element type, and a slot for every element of every inference.

    If several cores share the program, a buffer may lack slots for elements that its core does not read.
    `cmcore-verify-control` proves that no needed slot is missing. Raises VerifyException.
    """
    if buffer.element_type != array.type.element_type:
        raise VerifyException(
            f"the buffer has elements of type {buffer.element_type}, "
            f"@{array.sym_name.data} of {array.type.element_type}"
        )
    shape = buffer.get_shape()
    if min(shape, default=1) < 1:
        raise VerifyException(f"a buffer must have a static, non-empty shape, got {buffer}")
    if message := storage_problem(storage, array, shape, core_dims):
        raise VerifyException(message)


def storage_problem(
    storage: MapAttr, array: ArrayOp, shape: tuple[int, ...], core_dims: int
) -> str | None:
    """Return a description of the error in a storage relation `{ b[n, location] -> slot[…] }`, or None."""
    relation = storage.relation
    name = array.sym_name.data
    if message := core_parameters_problem(relation, core_dims):
        return message
    if relation.get_tuple_name(isl.dim_type.in_) != name or (
        relation.dim(isl.dim_type.in_) != 1 + len(array.shape)
    ):
        return (
            f"the storage must map points {name}[n, …] of {array.type} to slots, got {storage.data}"
        )
    if relation.range().is_wrapping() or relation.dim(isl.dim_type.out) != len(shape):
        return f"a slot must have {count_of(len(shape), 'coordinate')}, the rank of the buffer, got {storage.data}"
    if not relation.is_single_valued():
        return "an element must have one slot"
    stream = array.locations.insert_dims(isl.dim_type.set, 0, 1).set_tuple_name(name)
    if not core_dims and not stream.is_subset(relation.domain()):
        return f"an element without a slot: {sample(stream.subtract(relation.domain()))}"
    slots = relation.intersect_domain(stream).range()
    inside = box(shape, relation.get_tuple_name(isl.dim_type.out) or "")
    if not slots.is_subset(inside):
        return f"slots outside the buffer: {sample(slots.subtract(inside))}"
    return None
