"""Drawings of a model before it runs."""

from __future__ import annotations

from collections.abc import Sequence

from cmir.compilation.model import Model, lower_to_dependences
from cmir.isl.budget import limited
from cmir.report.relation import DependencePicture, find_dependence, relation_of


def dependence_picture(model: Model, wanted: Sequence[str]) -> DependencePicture:
    """Return what a drawing of a read-after-write dependence shows. Raises CompileError if it cannot be drawn.

    wanted: names of its writer, reader and array, in this order, as many as identify the dependence.
    """
    with limited(model.module):
        pipeline = lower_to_dependences(model)
        return relation_of(pipeline, find_dependence(pipeline, wanted))
