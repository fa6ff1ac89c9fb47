"""Named pipelines: a name for a list of passes, usable wherever a pass is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pipeline:
    """`passes` is what `cm-opt -p` takes; it may name other pipelines."""

    name: str
    summary: str
    passes: str


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
            "Compile a network all the way to core programs.",
            "nn-to-polyhedral,polyhedral-to-cmcore",
        ),
    )
}
