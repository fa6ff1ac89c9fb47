"""Every operator has a docstring of its own, whose example parses and verifies."""

from __future__ import annotations

import inspect
import re

import pytest
from xdsl.ir import Operation
from xdsl.parser import Parser

from cmir.context import make_context
from cmir.dialects.nn import NN, YieldOp


@pytest.mark.parametrize("op", list(NN.operations), ids=lambda op: op.name)
def test_example(op: type[Operation]):
    documentation = op.__dict__["__doc__"]
    (example,) = re.findall(r"```mlir\n(.*?)```", inspect.cleandoc(documentation), re.DOTALL)
    parser = Parser(make_context(), example)
    found = []
    while (parsed := parser.parse_optional_operation()) is not None:
        found.append(type(parsed))
        if not isinstance(parsed, YieldOp):  # which wants to be in a stage
            parsed.verify()
    assert op in found
