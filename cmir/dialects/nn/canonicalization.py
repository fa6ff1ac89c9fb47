"""Canonicalization that all operators share."""

from __future__ import annotations

from xdsl.ir import Operation
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern
from xdsl.traits import HasCanonicalizationPatternsTrait

from cmir.dialects.nn.operation import NNOp


class RemoveIdentity(RewritePattern):
    """Replace an operator that changes nothing with its operand."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if isinstance(op, NNOp) and op.is_identity():
            rewriter.replace(op, (), op.operands)


class IdentityCanonicalization(HasCanonicalizationPatternsTrait):
    """The operator changes nothing in cases that its `is_identity` knows."""

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        return (RemoveIdentity(),)
