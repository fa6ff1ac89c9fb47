"""The entries of xDSL's registry; each module is imported when it is first used."""

from __future__ import annotations

from xdsl.ir import Dialect
from xdsl.passes import ModulePass
from xdsl.universe import Universe


def _dialect() -> Dialect:
    from cmir_morphology.dialect import MORPHOLOGY

    return MORPHOLOGY


def _merge_dilations() -> type[ModulePass]:
    from cmir_morphology.merge_dilations import MorphologyMergeDilationsPass

    return MorphologyMergeDilationsPass


UNIVERSE = Universe(
    all_dialects={"morphology": _dialect},
    all_passes={"morphology-merge-dilations": _merge_dilations},
)
