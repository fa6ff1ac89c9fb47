"""Removal of state that no output depends on."""

from __future__ import annotations

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.transforms.dead_code_elimination import region_dce

from cmir.dialects.nn.carried import CARRIED_FROM, carried_pairs, output_indices


def drop_unused_state(function: FuncOp) -> None:
    """Remove the carried pairs that no output depends on, with what computes them."""
    pairs, block = carried_pairs(function), function.body.block
    terminator = block.last_op
    assert terminator is not None
    results: dict[SSAValue, SSAValue] = {
        pair.argument: terminator.operands[pair.result] for pair in pairs
    }
    needed = _needed([terminator.operands[i] for i in output_indices(function)], results)
    unused = [pair for pair in pairs if pair.argument not in needed]
    if not unused:
        return
    assert function.arg_attrs is not None
    dropped = {pair.result for pair in unused}
    attributes = dict(zip(block.args, function.arg_attrs.data, strict=True))
    for pair in pairs:
        index = pair.result - sum(result < pair.result for result in dropped)
        entry = {CARRIED_FROM: IntegerAttr.from_index_int_value(index)}
        attributes[pair.argument] = DictionaryAttr({**attributes[pair.argument].data, **entry})
    terminator.operands = [o for i, o in enumerate(terminator.operands) if i not in dropped]
    region_dce(function.body)
    for pair in unused:
        block.erase_arg(pair.argument)
    function.update_function_type()
    function.properties["arg_attrs"] = ArrayAttr(attributes[argument] for argument in block.args)


def _needed(values: list[SSAValue], results: dict[SSAValue, SSAValue]) -> set[SSAValue]:
    """Return the values that some values depend on, in their inference or in earlier ones.

    results: for each carried argument, what it is carried from.
    """
    seen: set[SSAValue] = set()
    while values:
        value = values.pop()
        if value in seen:
            continue
        seen.add(value)
        values += value.owner.operands if isinstance(value.owner, Operation) else []
        values += [results[value]] if value in results else []
    return seen
