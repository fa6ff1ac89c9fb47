"""Named pipelines."""

from __future__ import annotations

from cmir.passes.pipelines import Pipeline

PIPELINES = [
    Pipeline(
        "morphology-to-cmcore",
        "Merge dilations, and compile the network all the way to core programs.",
        "morphology-merge-dilations,nn-to-cmcore",
    )
]
