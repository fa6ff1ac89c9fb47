"""Removal of state, and of results of scans, that no output depends on."""

from __future__ import annotations

from itertools import zip_longest

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter
from xdsl.transforms.dead_code_elimination import region_dce

from cmir.dialects.nn.carried import CARRIED_FROM, carried_pairs, output_indices
from cmir.dialects.nn.stage import ScanOp


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


def drop_unused_results(scan: ScanOp) -> None:
    """Remove the results of a scan that nothing uses, with what computes them, and values that are carried in vain."""
    end, (carried, over, others) = scan.terminator, scan.arguments()
    used = [result.first_use is not None for result in scan.outputs]
    following: dict[SSAValue, SSAValue] = dict(zip(carried, end.values, strict=False))
    needed = _needed([v for v, u in zip(end.values, used, strict=True) if u], following)
    keeps = [argument in needed for argument in carried]
    kept = [u or k for u, k in zip_longest(used, keeps, fillvalue=False)]
    if all(kept) or not any(kept):
        return
    end.operands = [value for value, keep in zip(end.values, kept, strict=True) if keep]
    region_dce(scan.body)
    operands: list[list[SSAValue]] = []
    groups = (carried, scan.carried), (over, scan.over), (others, scan.others)
    for number, (arguments, values) in enumerate(groups):
        pairs = zip(arguments, values, strict=True)
        left = [
            kept[i] if number == 0 else a.first_use is not None for i, a in enumerate(arguments)
        ]
        operands.append([value for (_, value), keep in zip(pairs, left, strict=True) if keep])
        for argument, keep in zip(arguments, left, strict=True):
            if not keep:
                scan.body.block.erase_arg(argument)
    first, sequences, rest = operands
    new = ScanOp(first, sequences, rest, scan.steps, scan.detach_region(scan.body))
    new.location = scan.location
    results = iter(new.outputs)
    for old, keep in zip(scan.outputs, kept, strict=True):
        if keep:
            result = next(results)
            result.name_hint = old.name_hint
            old.replace_all_uses_with(result)
    Rewriter.replace_op(scan, new, [None] * len(kept))


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
