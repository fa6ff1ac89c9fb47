"""Well-known convolutional networks, as functions of their sizes.

size: of the input image, in both dimensions. channels: of the first layer; the others follow in proportion, so that a
network of fewer channels is the same network with smaller weights. Operators are in the order in which the originals
have them, with batch normalisation where they have it.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from onnx_builder import Builder, Image

CLASSES = 1000


def resnet(blocks: Sequence[int], seed: int, size: int, channels: int) -> onnx.ModelProto:
    """ResNet-18 and -34 (He et al. 2016, table 1): two 3×3 convolutions a block, and projections (option B)."""
    build = Builder(3, size, seed)
    y = _conv_bn_relu(build, build.x, channels, 7, stride=2)
    y = build.max_pool(y, 3, 2, before=1, after=1)
    for stage, count in enumerate(blocks):
        for block in range(count):
            stride = 2 if stage and not block else 1
            shortcut = y
            if stride == 2:
                shortcut = build.conv(y, channels << stage, stride=2, bias=False)
                shortcut = build.batch_norm(shortcut)
            y = _residual_block(build, y, shortcut, channels << stage, stride)
    return build.model(_classifier(build, y, CLASSES))


def cifar_resnet(blocks: int, seed: int, size: int, channels: int) -> onnx.ModelProto:
    """ResNet for CIFAR-10 (He et al. 2016, section 4.2), 6·blocks + 2 layers: shortcuts without weights (option A)."""
    build = Builder(3, size, seed)
    y = _conv_bn_relu(build, build.x, channels, 3)
    for stage in range(3):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            shortcut = y
            if stride == 2:
                shortcut = build.pad_channels(build.every_second(y), channels << stage)
            y = _residual_block(build, y, shortcut, channels << stage, stride)
    return build.model(_classifier(build, y, 10))


def vgg(convolutions: Sequence[int], seed: int, size: int, channels: int) -> onnx.ModelProto:
    """VGG (Simonyan and Zisserman 2015, table 1), of so many 3×3 convolutions in front of each pooling."""
    build = Builder(3, size, seed)
    y = build.x
    for stage, count in enumerate(convolutions):
        for _ in range(count):
            y = build.relu(build.conv(y, channels << min(stage, 3), 3))
        y = build.max_pool(y, 2, 2)
    y = build.flatten(y)
    for _ in range(2):
        y = build.relu(build.dense(y, 64 * channels))
    return build.model(build.dense(y, CLASSES))


GOOGLENET: Sequence[Sequence[tuple[int, int, int, int, int, int]]] = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)
"""The channels of each inception: 1×1; before the 3×3, 3×3; before the 5×5, 5×5; after pooling (Szegedy et al. 2015,
table 1), where the first layer has 64."""


def googlenet(seed: int, size: int, channels: int) -> onnx.ModelProto:
    """GoogLeNet (Szegedy et al. 2015), without auxiliary classifiers. Pools cover the image to its last row."""
    build = Builder(3, size, seed)

    def conv(x: Image, of_64: int, kernel: int = 1, stride: int = 1) -> Image:
        return build.relu(build.conv(x, max(1, of_64 * channels // 64), kernel, stride))

    def pool(x: Image) -> Image:
        return build.max_pool(x, 3, 2, after=1 if x.size % 2 == 0 else 0)

    y = build.local_response_norm(pool(conv(build.x, 64, 7, 2)))
    y = pool(build.local_response_norm(conv(conv(y, 64), 192, 3)))
    for stage, modules in enumerate(GOOGLENET):
        if stage:
            y = pool(y)
        for one, reduce3, three, reduce5, five, pooled in modules:
            y = build.concat(
                conv(y, one),
                conv(conv(y, reduce3), three, 3),
                conv(conv(y, reduce5), five, 5),
                conv(build.max_pool(y, 3, 1, before=1, after=1), pooled),
            )
    return build.model(build.softmax(_classifier(build, y, CLASSES)))


MOBILENET_V2 = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, channels, blocks and stride of each stage (Sandler et al. 2018, table 2), where the first layer has 32."""


def mobilenet_v2(seed: int, size: int, channels: int) -> onnx.ModelProto:
    """MobileNetV2 (Sandler et al. 2018): inverted residuals with depthwise convolutions and linear bottlenecks."""
    build = Builder(3, size, seed)

    def conv_bn_relu6(x: Image, outputs: int, kernel: int, stride: int = 1, groups: int = 1):
        y = build.conv(x, outputs, kernel, stride, groups, bias=False)
        return build.relu6(build.batch_norm(y))

    y = conv_bn_relu6(build.x, channels, 3, 2)
    for expansion, of_32, blocks, first_stride in MOBILENET_V2:
        outputs = max(1, of_32 * channels // 32)
        for block in range(blocks):
            stride = 1 if block else first_stride
            shortcut, inner = y, expansion * y.channels
            if expansion > 1:
                y = conv_bn_relu6(y, inner, 1)
            y = conv_bn_relu6(y, inner, 3, stride, groups=inner)
            # No activation makes up for the 2 in the variance of the weights.
            y = build.batch_norm(build.conv(y, outputs, bias=False), gain=0.7)
            if stride == 1 and shortcut.channels == outputs:
                y = build.add(y, shortcut)
    y = conv_bn_relu6(y, 40 * channels, 1)
    return build.model(_classifier(build, y, CLASSES))


def tiny_yolov3(seed: int, size: int, channels: int) -> onnx.ModelProto:
    """Tiny YOLOv3 (Redmon and Farhadi 2018; darknet, cfg/yolov3-tiny.cfg) for 80 classes, without decoding of boxes."""
    build = Builder(3, size, seed)

    def conv(x: Image, of_16: int, kernel: int = 3) -> Image:
        y = build.conv(x, max(1, of_16 * channels // 16), kernel, bias=False)
        return build.leaky_relu(build.batch_norm(y))

    y = build.x
    for of_16 in (16, 32, 64, 128):
        y = build.max_pool(conv(y, of_16), 2, 2)
    fine = conv(y, 256)
    y = conv(build.max_pool(fine, 2, 2), 512)
    y = conv(conv(build.max_pool(y, 2, 1, after=1), 1024), 256, 1)
    boxes = 3 * (4 + 1 + 80)
    coarse_boxes = build.conv(conv(y, 512), boxes)
    y = build.concat(build.twice(conv(y, 128, 1)), fine)
    return build.model(coarse_boxes, build.conv(conv(y, 256), boxes))


def chain(seed: int, layers: int, channels: int, size: int) -> onnx.ModelProto:
    """3×3 convolutions with ReLU, one after the other, all of one size: for curves of how something scales."""
    build = Builder(channels, size, seed)
    y = build.x
    for _ in range(layers):
        y = build.relu(build.conv(y, channels, 3))
    return build.model(y)


def _conv_bn_relu(build: Builder, x: Image, channels: int, kernel: int, stride: int = 1) -> Image:
    return build.relu(build.batch_norm(build.conv(x, channels, kernel, stride, bias=False)))


def _classifier(build: Builder, x: Image, classes: int) -> Image:
    return build.dense(build.flatten(build.global_average_pool(x)), classes)


def _residual_block(build: Builder, x: Image, shortcut: Image, channels: int, stride: int) -> Image:
    y = _conv_bn_relu(build, x, channels, 3, stride)
    # Half of it: sums of many blocks stay in range.
    y = build.batch_norm(build.conv(y, channels, 3, bias=False), gain=0.5)
    return build.relu(build.add(y, shortcut))
