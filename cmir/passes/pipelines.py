"""Named pipelines: lists of passes with a name that can stand for a pass."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from cmir import extensions
from cmir.support.unloaded import note_unloaded


@dataclass(frozen=True)
class Pipeline:
    """A named list of passes, in the syntax of `cm-opt -p`. The list may contain other pipelines."""

    name: str
    summary: str
    passes: str


MOST_OPERATIONS = 150_000_000
"""Limit on the operations of the proof of values in pipelines: a few tenths of a second."""

VERIFY_VALUES = f"cmcore-verify-values{{most-operations={MOST_OPERATIONS}}}"
"""The proof of values, with the limit."""

NN_PREPARATION = "nn-fold-batch-norm,canonicalize"
"""The passes whose result networks are compiled from, which is what the proof of values takes for their source."""

PIPELINES: dict[str, Pipeline] = {
    pipeline.name: pipeline
    for pipeline in (
        Pipeline(
            "nn-to-polyhedral",
            "Group operators into stages and express their accesses as relations.",
            f"{NN_PREPARATION},nn-outline-stages,convert-nn-to-polyhedral",
        ),
        Pipeline(
            "polyhedral-to-cmcore",
            "Derive dependences, generate core programs and control automata from them, and prove control.",
            "polyhedral-derive-dependences,polyhedral-generate-loops,convert-polyhedral-to-cmcore,"
            "cmcore-verify-control",
        ),
        Pipeline(
            "nn-to-cmcore",
            "Compile a network to core programs, and prove their control and values.",
            f"nn-to-polyhedral,polyhedral-to-cmcore,{VERIFY_VALUES}",
        ),
    )
}
"""The pipelines of cmir."""


@cache
def installed_pipelines() -> Mapping[str, Pipeline]:
    """Return all named pipelines: those of cmir, then those of other packages.

    A package that cannot be loaded, or takes a name that is taken, is passed over.
    """
    pipelines = dict(PIPELINES)
    taken = {*PIPELINES, *extensions.installed_universe().all_passes}
    for point, found in extensions.load_usable(extensions.PIPELINES):
        if (problem := _problem(found, taken)) is not None:
            note_unloaded(extensions.broken(point, problem))
            continue
        pipelines |= {pipeline.name: pipeline for pipeline in found}
        taken |= {*pipelines}
    return pipelines


def _problem(found: Any, taken: Collection[str]) -> str | None:
    """Return why an object cannot be the pipelines of a package, or None. taken: names that others have."""
    if not isinstance(found, Sequence) or isinstance(found, str):
        return f"expected a list of Pipeline, got {found!r}"
    for pipeline in found:
        if not isinstance(pipeline, Pipeline):
            return f"expected a Pipeline, got {pipeline!r}"
        if pipeline.name in taken:
            return f"the name '{pipeline.name}' is taken"
    return None
