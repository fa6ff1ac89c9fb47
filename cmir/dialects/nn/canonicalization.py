"""Canonicalization shared by all operators."""

from __future__ import annotations

from xdsl.ir import Operation
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern
from xdsl.traits import HasCanonicalizationPatternsTrait

from cmir.dialects.nn.operation import NNOp


class RemoveIdentity(RewritePattern):
    """Pattern that replaces an operator by its operand if the operator is an identity."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        if isinstance(op, NNOp) and op.is_identity():
            rewriter.replace(op, (), op.operands)


class IdentityCanonicalization(HasCanonicalizationPatternsTrait):
    """Canonicalization of operators that are identities according to their `is_identity`."""

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        return (RemoveIdentity(),)
