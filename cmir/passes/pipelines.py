"""Named pipelines: a name for a list of passes, usable wherever a pass is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from cmir import extensions


@dataclass(frozen=True)
class Pipeline:
    """`passes` is what `cm-opt -p` takes; it may name other pipelines."""

    name: str
    summary: str
    passes: str


MOST_OPERATIONS = 150_000_000
"""Compiling a network includes the proof of its values up to here, where it takes a few tenths of a second at most."""

VERIFY_VALUES = f"cmcore-verify-values{{most-operations={MOST_OPERATIONS}}}"
"""The proof of values where it takes little."""

PIPELINES: dict[str, Pipeline] = {
    pipeline.name: pipeline
    for pipeline in (
        Pipeline(
            "nn-to-polyhedral",
            "Fuse operators into stages and write their accesses as relations.",
            "nn-fold-batch-norm,canonicalize,nn-outline-stages,convert-nn-to-polyhedral",
        ),
        Pipeline(
            "polyhedral-to-cmcore",
            "Derive dependences, generate core programs and control automata from them, and prove them right.",
            "polyhedral-derive-dependences,polyhedral-generate-loops,convert-polyhedral-to-cmcore,"
            "cmcore-verify-control",
        ),
        Pipeline(
            "nn-to-cmcore",
            "Compile a network all the way to core programs, and prove that they compute what it does.",
            f"nn-to-polyhedral,polyhedral-to-cmcore,{VERIFY_VALUES}",
        ),
    )
}
"""Those of cmir."""


@cache
def installed_pipelines() -> Mapping[str, Pipeline]:
    """
    All named pipelines, those of other packages after ours.

    Raises CompileError if a package cannot be loaded, or gives a pipeline a name that is taken.
    """
    pipelines = dict(PIPELINES)
    passes = extensions.installed_universe().all_passes
    for point, found in extensions.load(extensions.PIPELINES):
        for pipeline in found:
            if not isinstance(pipeline, Pipeline):
                raise extensions.broken(point, f"expected a Pipeline, got {pipeline!r}")
            if pipeline.name in pipelines or pipeline.name in passes:
                raise extensions.broken(point, f"the name '{pipeline.name}' is taken")
            pipelines[pipeline.name] = pipeline
    return pipelines
