"""The networks that PyTorch exports: torchvision's families and small transformers, by name."""

# PyTorch need not be installed where types are checked.
# pyright: reportMissingImports=false, reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

Inputs = Mapping[str, Tensor]
"""The inputs of one inference, by name, each with a batch dimension of 1."""


@dataclass(frozen=True)
class Network:
    """A network and its inputs.

    build: returns the network with random weights. inputs: draws the inputs of one inference.
    """

    build: Callable[[], nn.Module]
    inputs: Callable[[], Inputs]

    def make(self, seed: int) -> nn.Module:
        """Return the network for inference. The same seed gives the same weights."""
        torch.manual_seed(seed)
        network = self.build()
        with torch.no_grad():
            _vary(network)
            _calibrate(network, self.inputs)
        return network.eval()


def networks() -> dict[str, Network]:
    """Return all networks, in the order of the table."""
    from exports.transformer_networks import TRANSFORMERS
    from exports.vision_networks import VISION

    return {**VISION, **TRANSFORMERS}


def image(size: int) -> Callable[[], Inputs]:
    """Return a function that draws an image of three channels."""
    return lambda: {"image": torch.randn(1, 3, size, size)}


def _vary(network: nn.Module) -> None:
    """Add noise to parameters whose elements are all equal, as biases and scales are before training."""
    for parameter in network.parameters():
        if parameter.min() == parameter.max():
            parameter.add_(0.1 * torch.randn_like(parameter))


def _calibrate(network: nn.Module, inputs: Callable[[], Inputs]) -> None:
    """Give batch normalisations the statistics of random inputs.

    With the statistics that they start with, activations of deep networks vanish, and outputs do not depend on inputs.
    """
    normalisations = [m for m in network.modules() if isinstance(m, _BatchNorm)]
    if not normalisations:
        return
    for module in normalisations:
        module.momentum = None  # the mean of all batches
    batch = [tuple(inputs().values()) for _ in range(4)]
    network.train()
    network(*(torch.cat(tensors) for tensors in zip(*batch, strict=True)))
