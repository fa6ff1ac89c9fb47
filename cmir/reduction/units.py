"""Parts of modules that can be dropped: operators of functions, stages of pipelines, and programs of networks."""

from __future__ import annotations

from collections.abc import Collection

from xdsl.dialects.builtin import ArrayAttr, FunctionType, ModuleOp, SymbolRefAttr
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Operation
from xdsl.traits import SymbolOpInterface

from cmir.dialects.cmcore import CoreOp, NetworkOp, ProgramOp, StoreOp
from cmir.dialects.polyhedral import PipelineOp, StageOp, WriteOp, symbol


def units(top: Operation) -> list[Operation]:
    """Return the operations in a function, pipeline or network that can be dropped one by one, in order.

    Parameters and constants, which have no operands, follow the operators that read them.
    """
    match top:
        case FuncOp() if len(top.body.blocks) == 1:
            *ops, _ = top.body.block.ops or (top,)
            return [op for op in ops if op.operands]
        case PipelineOp():
            return [op for op in top.body.block.ops if isinstance(op, StageOp)]
        case NetworkOp():
            return [op for op in top.body.block.ops if isinstance(op, ProgramOp)]
        case _:
            return []


def keep_top_level(module: ModuleOp, kept: Collection[int]) -> ModuleOp:
    """Return a copy of a module with these of its operations, by index."""
    result = module.clone()
    for index, op in enumerate(list(result.body.block.ops)):
        if index not in kept:
            op.detach()
            op.erase(safe_erase=False)
    return result


def keep_units(module: ModuleOp, top: int, kept: Collection[int]) -> ModuleOp:
    """Return a copy of a module in which the operation with the index `top` has these of its units, by index.

    Values and arrays that the others compute become inputs. What nothing reads any more becomes an output.
    """
    result = module.clone()
    op = list(result.body.block.ops)[top]
    chosen = {unit for index, unit in enumerate(units(op)) if index in kept}
    if isinstance(op, FuncOp):
        _keep_in_function(op, chosen)
    elif isinstance(op, PipelineOp | NetworkOp):
        _keep_in_arrays(op, chosen)
    return result


def _keep_in_function(function: FuncOp, kept: set[Operation]) -> None:
    block, dropped = function.body.block, set(units(function)) - kept
    terminator = block.last_op
    assert isinstance(terminator, ReturnOp)
    for op in dropped:
        for result in op.results:
            if any(use.operation in kept for use in result.uses):
                argument = block.insert_arg(result.type, len(block.args))
                argument.name_hint = result.name_hint
                argument.location = op.location
                result.replace_all_uses_with(argument)
    members = {*kept, *(op for op in block.ops if not op.operands)}
    outputs = [
        result
        for op in block.ops
        if op in kept
        for result in op.results
        if not any(use.operation in members for use in result.uses)
    ]
    block.detach_op(terminator)
    terminator.erase()
    for op in reversed(list(block.ops)):
        unused = not op.operands and all(result.first_use is None for result in op.results)
        if op in dropped or unused:
            block.detach_op(op)
            op.erase(safe_erase=False)
    end = ReturnOp(*outputs)
    end.location = function.location
    block.add_op(end)
    for argument in list(block.args):
        if argument.first_use is None:
            block.erase_arg(argument)
    function.function_type = FunctionType.from_lists(block.arg_types, [o.type for o in outputs])


def _keep_in_arrays(network: PipelineOp | NetworkOp, kept: set[Operation]) -> None:
    """Drop stages of a pipeline or programs of a network, with all that names them, and the arrays of no others."""
    dropped = {_name(op) for op in units(network) if op not in kept}
    bodies = [network.body.block, *(op.body.block for op in kept if isinstance(op, ProgramOp))]
    for op in [op for block in bodies for op in block.ops]:
        if isinstance(op, CoreOp):
            gone = not _keep_on_core(op, dropped)
        else:
            gone = _name(op) in dropped or bool(_refs(op) & dropped)
        if gone:
            op.detach()
            op.erase(safe_erase=False)
    read, written = set[str](), set[str]()
    for op in (op for unit in kept for op in unit.walk()):
        (written if isinstance(op, WriteOp | StoreOp) else read).update(_refs(op))
    given: list[str] = []
    outputs: list[str] = []
    final = {symbol(ref) for ref in network.outputs}
    for name, array in network.arrays.items():
        if name not in read | written:
            array.detach()
            array.erase()
        elif name not in written and array.source is None:
            given.append(name)
        elif name in written and (name in final or name not in read):
            outputs.append(name)
    network.inputs = ArrayAttr(map(SymbolRefAttr, given))
    network.outputs = ArrayAttr(map(SymbolRefAttr, outputs))


def _keep_on_core(core: CoreOp, dropped: Collection[str | None]) -> bool:
    """Drop programs from those of a core; return False if none is left. Without shares, there is no table of slots."""
    left = [each for each in core.instances if each.core_name.program not in dropped]
    core.programs = ArrayAttr(left)
    if not any(each.shares for each in left):
        core.slots = None
    return bool(left)


def _name(op: Operation) -> str | None:
    trait = op.get_trait(SymbolOpInterface)
    attribute = None if trait is None else trait.get_sym_attr_name(op)
    return None if attribute is None else attribute.data


def _refs(op: Operation) -> set[str]:
    """Return the symbols that the attributes of an operation name."""
    attributes = (*op.attributes.values(), *op.properties.values())
    return {name for attribute in attributes for name in _symbols_in(attribute)}


def _symbols_in(attribute: Attribute) -> set[str]:
    match attribute:
        case SymbolRefAttr():
            return {attribute.root_reference.data}
        case ArrayAttr():
            return {name for item in attribute.data for name in _symbols_in(item)}
        case _:
            return set()
