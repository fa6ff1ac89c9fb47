"""The entries of xDSL's registry; each module is imported when it is first used."""

from __future__ import annotations

from xdsl.ir import Dialect
from xdsl.passes import ModulePass
from xdsl.universe import Universe


def _dialect() -> Dialect:
    from cmir_newname.dialect import NEWNAME

    return NEWNAME


def _merge_maxima() -> type[ModulePass]:
    from cmir_newname.merge_maxima import NewnameMergeMaximaPass

    return NewnameMergeMaximaPass


UNIVERSE = Universe(
    all_dialects={"newname": _dialect},
    all_passes={"newname-merge-maxima": _merge_maxima},
)
