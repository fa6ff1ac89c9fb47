"""Export of one network with one of PyTorch's exporters, in a process of its own.

    python -m exports.export NAME EXPORTER FOLDER

writes `model.onnx`, with its weights beside it if the exporter puts them there, `inputs.npz`, and to `expected.npz` the
output of onnxruntime, and `exact`, that of PyTorch in double precision.
"""

# PyTorch need not be installed where types are checked.
# pyright: reportMissingImports=false

from __future__ import annotations

import copy
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from exports.networks import Inputs, networks
from torch import Tensor, nn

from cmir.checking import evaluator_of

EXPORTERS = {"dynamo": True, "torchscript": False}
"""The names of PyTorch's exporters, with the option that selects them."""


def export(name: str, exporter: str, folder: Path) -> None:
    """Export the network, and evaluate the exported file."""
    network = networks()[name]
    module = network.make(seed=0)
    inputs = network.inputs()
    exact = _double(module, inputs)
    if not (exact - _double(module, network.inputs())).abs().max() > 0.01 * exact.abs().max():
        raise ValueError(f"{name} hardly depends on its inputs, so it tests nothing")
    _write(module, inputs, folder / "model.onnx", EXPORTERS[exporter])
    arrays = {key: tensor.numpy() for key, tensor in inputs.items()}
    (output,) = evaluator_of(folder / "model.onnx")(*arrays.values())
    error = np.abs(output - exact.numpy()).max()
    if not error < 1e-3 * np.abs(output).max():
        raise ValueError(f"{name} differs in onnxruntime from PyTorch by {error}")
    np.savez(folder / "inputs.npz", **arrays)  # pyright: ignore[reportArgumentType]
    np.savez(folder / "expected.npz", output=output, exact=exact.numpy())


def _double(module: nn.Module, inputs: Inputs) -> Tensor:
    """Return the output in double precision."""
    wide = [x.double() if x.is_floating_point() else x for x in inputs.values()]
    with torch.no_grad():
        return copy.deepcopy(module).double()(*wide)


def _write(module: nn.Module, inputs: Inputs, path: Path, dynamo: bool) -> None:
    # The exporter `torchscript` does not know the fused attention.
    torch.backends.mha.set_fastpath_enabled(dynamo)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            path,
            input_names=list(inputs),
            output_names=["output"],
            dynamo=dynamo,
            verbose=False,
        )


if __name__ == "__main__":
    torch.set_num_threads(1)
    export(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
