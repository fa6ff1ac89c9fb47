"""Traits of operations that upstream xDSL lacks."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.ir import Operation
from xdsl.traits import OpTrait
from xdsl.utils.exceptions import VerifyException


@dataclass(frozen=True)
class HasParentNamed(OpTrait):
    """`HasParent` by the parent's name.

    A parent refers to the classes of its children, to find and verify them. Children refer to their parent by name,
    which avoids circular imports.
    """

    parent: str

    def verify(self, op: Operation) -> None:
        parent = op.parent_op()
        if parent is not None and parent.name != self.parent:
            raise VerifyException(f"'{op.name}' expects parent op '{self.parent}'")
