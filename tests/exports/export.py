"""Export of one network with one of PyTorch's exporters, in a process of its own.

    python -m exports.export NAME EXPORTER FOLDER

writes `model.onnx`, with its weights beside it if the exporter puts them there, `inputs.npz`, and the outputs of
onnxruntime to `expected.npz`.
"""

# PyTorch need not be installed where types are checked.
# pyright: reportMissingImports=false

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from exports.networks import Inputs, networks
from torch import nn

from cmir.checking import evaluator_of

EXPORTERS = {"dynamo": True, "torchscript": False}
"""The names of PyTorch's exporters, with the option that selects them."""


def export(name: str, exporter: str, folder: Path) -> None:
    """Export the network, and evaluate the exported file."""
    network = networks()[name]
    module = network.make(seed=0)
    inputs = network.inputs()
    with torch.no_grad():
        expected = module(*inputs.values())
        other = module(*network.inputs().values())
    if not (expected - other).abs().max() > 0.01 * expected.abs().max():
        raise ValueError(f"{name} hardly depends on its inputs, so it tests nothing")
    _write(module, inputs, folder / "model.onnx", EXPORTERS[exporter])
    arrays = {key: tensor.numpy() for key, tensor in inputs.items()}
    (output,) = evaluator_of(folder / "model.onnx")(*arrays.values())
    scale = np.abs(output).max()
    if not np.allclose(output, expected.numpy(), rtol=1e-3, atol=1e-3 * scale):
        raise ValueError(f"{name} does not compute in onnxruntime what it does in PyTorch")
    np.savez(folder / "inputs.npz", **arrays)  # pyright: ignore[reportArgumentType]
    np.savez(folder / "expected.npz", output=output)


def _write(module: nn.Module, inputs: Inputs, path: Path, dynamo: bool) -> None:
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
