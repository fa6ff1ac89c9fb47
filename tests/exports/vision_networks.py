"""torchvision's classifiers and segmenters, one of each family, with random weights.

Images have the smallest size with which all stages of a network have more than one pixel, or 224 where the network is
made for it.
"""

# PyTorch need not be installed where types are checked.
# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from exports.networks import Network, image
from torch import Tensor, nn

_OPERATORS = torch.library.Library("torchvision", "FRAGMENT")
"""Holds declarations, which end with it."""

try:
    from torchvision import models
except RuntimeError:
    # Beside a PyTorch without CUDA, torchvision's compiled operators may not load. No network here uses them, and
    # torchvision only needs their schemas.
    for _name in ("nms", "qnms"):
        _OPERATORS.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from torchvision import models


class _Segmentation(nn.Module):
    """A segmenter that returns its main output alone."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image)["out"]


def _classifier(name: str, size: int, **options: Any) -> Network:
    build = partial(models.get_model, name, weights=None, num_classes=10, **options)
    return Network(build, image(size))


def _segmenter(name: str, size: int) -> Network:
    def build() -> nn.Module:
        network = models.get_model(name, weights=None, weights_backbone=None, num_classes=5)
        return _Segmentation(network)

    return Network(build, image(size))


_INCEPTION = {"aux_logits": False, "init_weights": True}

VISION: Mapping[str, Network] = {
    "alexnet": _classifier("alexnet", 224),
    "convnext_tiny": _classifier("convnext_tiny", 64),
    "densenet121": _classifier("densenet121", 64),
    "efficientnet_b0": _classifier("efficientnet_b0", 64),
    "efficientnet_v2_s": _classifier("efficientnet_v2_s", 64),
    "googlenet": _classifier("googlenet", 64, **_INCEPTION),
    "inception_v3": _classifier("inception_v3", 107, **_INCEPTION),
    "maxvit_t": _classifier("maxvit_t", 224),
    "mnasnet0_5": _classifier("mnasnet0_5", 64),
    "mobilenet_v2": _classifier("mobilenet_v2", 64),
    "mobilenet_v3_small": _classifier("mobilenet_v3_small", 64),
    "regnet_x_400mf": _classifier("regnet_x_400mf", 64),
    "regnet_y_400mf": _classifier("regnet_y_400mf", 64),
    "resnet18": _classifier("resnet18", 64),
    "resnext50_32x4d": _classifier("resnext50_32x4d", 64),
    "shufflenet_v2_x0_5": _classifier("shufflenet_v2_x0_5", 64),
    "squeezenet1_1": _classifier("squeezenet1_1", 64),
    "swin_t": _classifier("swin_t", 224),
    "swin_v2_t": _classifier("swin_v2_t", 256),
    "vgg11_bn": _classifier("vgg11_bn", 224),
    "vit_b_32": _classifier("vit_b_32", 224),
    "wide_resnet50_2": _classifier("wide_resnet50_2", 64),
    "fcn_resnet50": _segmenter("fcn_resnet50", 64),
    "deeplabv3_resnet50": _segmenter("deeplabv3_resnet50", 128),
    "lraspp_mobilenet_v3_large": _segmenter("lraspp_mobilenet_v3_large", 64),
}
