"""Trained networks to measure with, which are not part of the project."""

from pathlib import Path

RESNET20 = Path(__file__).parents[2] / "shared" / "models" / "resnet20-cifar10.onnx"
"""ResNet-20 for CIFAR-10, where it is there."""
