"""morphology-merge-dilations: merge consecutive dilations."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from cmir_morphology.dialect import DilateOp


class _Merge(RewritePattern):
    """
    Merge two dilations: a path of r + s steps between two elements of an image is a path of r steps and one of s.
    A shortest path stays between its ends, so the element where the two meet is in the image too, and borders do
    not matter.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DilateOp, rewriter: PatternRewriter) -> None:
        first = op.x.owner
        if not isinstance(first, DilateOp) or not first.result.has_one_use():
            return
        merged = DilateOp(first.x, first.radius.value.data + op.radius.value.data)
        merged.location = op.location
        merged.result.name_hint = op.result.name_hint
        rewriter.replace(op, merged)
        rewriter.erase(first)


@dataclass(frozen=True)
class MorphologyMergeDilationsPass(ModulePass):
    """Merge a dilation into its only reader, if that is a dilation: the radii add up."""

    name = "morphology-merge-dilations"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(_Merge()).rewrite_module(op)
