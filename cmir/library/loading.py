"""`cmir.load`: a compiled network from a file."""

from __future__ import annotations

import os
from pathlib import Path

from cmir.dialects.cmcore import NetworkOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.library.archive import read
from cmir.library.errors import user_errors
from cmir.library.network import Network


def load(path: str | os.PathLike[str]) -> Network:
    """Return a network that `Network.save` has written. Nothing is compiled or proved again.

    Raises CompileError if the file is no such network, and OSError if it cannot be read.
    """
    with user_errors():
        model, relations, hardware = read(Path(path))
        (network,) = (op for op in model.module.body.block.ops if isinstance(op, NetworkOp))
        return Network(model, ElaboratedNetwork(network), hardware, relations)
