"""newname-merge-maxima: merge consecutive maxima."""

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

from cmir.support.statistics import tally
from cmir_newname.dialect import RunningMaxOp


@dataclass(frozen=True)
class _Merge(RewritePattern):
    """Merge two maxima: the largest of s windows of r elements is that of a window of r + s − 1."""

    most: int | None

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: RunningMaxOp, rewriter: PatternRewriter) -> None:
        first = op.x.owner
        if not isinstance(first, RunningMaxOp) or not first.result.has_one_use():
            return
        width = first.width.value.data + op.width.value.data - 1
        if self.most is not None and width > self.most:
            return
        merged = RunningMaxOp(first.x, width)
        merged.location = op.location  # so that later errors point at the source
        merged.result.name_hint = op.result.name_hint
        rewriter.replace(op, merged)
        rewriter.erase(first)
        tally("maxima merged")  # for cm-opt --pass-statistics


@dataclass(frozen=True)
class NewnameMergeMaximaPass(ModulePass):
    """Merge a running maximum into its only reader, if that is one, too."""

    name = "newname-merge-maxima"

    most: int | None = None
    """Largest width to merge into; by default, there is no limit."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(_Merge(self.most)).rewrite_module(op)
