"""Symbol names, and look-up of operations by name.

Verifiers look up every array, stage and program that an operation names. A search of the block for each takes time
quadratic in the number of operations, which is noticeable in networks with many concatenations.
"""

from __future__ import annotations

from typing import TypeVar
from weakref import WeakKeyDictionary

from xdsl.dialects.builtin import StringAttr, SymbolRefAttr
from xdsl.ir import Block, Operation

_Op = TypeVar("_Op", bound=Operation)
_Table = dict[tuple[type[Operation], str], Operation]

_tables: WeakKeyDictionary[Block, _Table] = WeakKeyDictionary()


def symbol(ref: SymbolRefAttr) -> str:
    """Return the name that a flat symbol reference holds."""
    return ref.root_reference.data


def find_symbol(block: Block, kind: type[_Op], name: str) -> _Op | None:
    """Return the first operation of this class and name in a block; None if there is none.

    Each block has a cached table. The IR may have changed, so every hit is checked; a failed check rebuilds the table.
    """
    found = _tables.get(block, {}).get((kind, name))
    if found is None or found.parent is not block or _name(found) != name:
        table: _Table = {}
        for op in block.ops:
            if (given := _name(op)) is not None:
                table.setdefault((type(op), given), op)
        _tables[block] = table
        found = table.get((kind, name))
    assert found is None or isinstance(found, kind)
    return found


def _name(op: Operation) -> str | None:
    given = op.properties.get("sym_name")
    return given.data if isinstance(given, StringAttr) else None
