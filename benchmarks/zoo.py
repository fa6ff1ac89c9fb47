"""The networks to measure with, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import onnx
from architectures import chain, cifar_resnet, googlenet, mobilenet_v2, resnet, tiny_yolov3, vgg
from light import light_network


@dataclass(frozen=True)
class Network:
    """How to make a network: `make(seed=…, **sizes)`.

    sizes: those that can be chosen, in the order in which they are written, with those of the original.
    """

    summary: str
    make: Callable[..., onnx.ModelProto]
    sizes: dict[str, int]


IMAGENET = {"size": 224, "channels": 64}

NETWORKS = {
    "resnet18": Network("He et al. 2016", partial(resnet, (2, 2, 2, 2)), IMAGENET),
    "resnet34": Network("He et al. 2016", partial(resnet, (3, 4, 6, 3)), IMAGENET),
    "resnet50": Network(
        "He et al. 2016, from the ONNX package", partial(light_network, "resnet50"), {}
    ),
    "squeezenet": Network(
        "SqueezeNet 1.1, Iandola et al. 2016, from the ONNX package",
        partial(light_network, "squeezenet"),
        {},
    ),
    "googlenet": Network("Szegedy et al. 2015", googlenet, IMAGENET),
    "mobilenetv2": Network("Sandler et al. 2018", mobilenet_v2, {"size": 224, "channels": 32}),
    "vgg16": Network("Simonyan and Zisserman 2015", partial(vgg, (2, 2, 3, 3, 3)), IMAGENET),
    "vgg19": Network(
        "Simonyan and Zisserman 2015, from the ONNX package", partial(light_network, "vgg19"), {}
    ),
    "densenet121": Network(
        "Huang et al. 2017, from the ONNX package", partial(light_network, "densenet121"), {}
    ),
    "resnet20": Network(
        "for CIFAR-10, He et al. 2016", partial(cifar_resnet, 3), {"size": 32, "channels": 16}
    ),
    "tinyyolov3": Network(
        "Redmon and Farhadi 2018, from darknet", tiny_yolov3, {"size": 416, "channels": 16}
    ),
    "chain": Network(
        "3x3 convolutions of one size, one after the other",
        chain,
        {"layers": 8, "channels": 16, "size": 32},
    ),
}


def usage(name: str) -> str:
    """How the sizes of a network are written: `resnet18:SIZE,CHANNELS`."""
    sizes = ",".join(size.upper() for size in NETWORKS[name].sizes)
    return f"{name}:{sizes}" if sizes else name


def build(text: str, seed: int = 0) -> onnx.ModelProto:
    """The model that `NAME` or `NAME:SIZE,…` says. The same text and seed give the same model.

    Raises ValueError for a name that there is not, and for sizes that it has not or that leave nothing.
    """
    name, colon, values = text.partition(":")
    if name not in NETWORKS:
        raise ValueError(f"there is no network '{name}'; there are {', '.join(NETWORKS)}")
    network = NETWORKS[name]
    sizes = dict(network.sizes)
    if colon:
        given = values.split(",")
        if len(given) != len(sizes) or not all(v.isdecimal() and int(v) > 0 for v in given):
            form = (
                f"`{usage(name)}` with positive integers" if sizes else f"`{name}`: it has no sizes"
            )
            raise ValueError(f"`{text}` is not of the form {form}")
        sizes = dict(zip(sizes, map(int, given), strict=True))
    return network.make(seed=seed, **sizes)
