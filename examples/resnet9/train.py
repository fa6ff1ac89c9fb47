"""Train ResNet-9 with PyTorch, and export it to ONNX.

    pip install torch scikit-learn
    python examples/resnet9/train.py                                             # handwritten digits in colours
    python examples/resnet9/train.py --images images.npy --labels labels.npy     # CIFAR-10, for example

The images of the file have the shape (N, 3, 32, 32), in numbers of 8 bits; labels are N integers from 0 to 9. Without
files, scikit-learn's 1797 handwritten digits are enlarged to 32×32 pixels and drawn in light colours on dark
backgrounds. The last fifth of the images, at most 1000, is held out.

The script writes `resnet9.onnx`, and the held-out `images.npy` and `labels.npy`, to build/resnet9. The network takes
images in numbers from 0 to 1.
"""

# PyTorch need not be installed where types are checked.
# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from network import CLASSES, FEATURES, IMAGE, LAYERS, POOL, Weights, model_of
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn
from torch.nn import functional

ROOT = Path(__file__).parents[2]
SEED = 9
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-2
MOST_HELD_OUT = 1000
SHIFT = 3
"""Most pixels by which a training image is shifted."""


class ResNet9(nn.Module):
    """The network in training: batch normalisation follows each convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(layer.inputs, layer.outputs, 3, padding=1, bias=False) for layer in LAYERS
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(layer.outputs) for layer in LAYERS)
        self.dense = nn.Linear(FEATURES, CLASSES)
        nn.init.zeros_(self.dense.weight)  # the maxima over the image are large at first

    def forward(self, x: Tensor) -> Tensor:
        values: dict[str, Tensor] = {}
        for layer, conv, norm in zip(LAYERS, self.convs, self.norms, strict=True):
            x = functional.relu(norm(conv(x)))
            if layer.pooled > 1:
                x = functional.max_pool2d(x, layer.pooled)
            if layer.added is not None:
                x = x + values[layer.added]
            values[layer.name] = x
        return self.dense(functional.max_pool2d(x, POOL).flatten(1))

    def folded(self) -> Weights:
        """Return weights and biases with the normalisations folded into the convolutions."""
        found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for layer, conv, norm in zip(LAYERS, self.convs, self.norms, strict=True):
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            weight = conv.weight * gain[:, None, None, None]
            bias = norm.bias - norm.running_mean * gain
            found[layer.name] = weight.detach().numpy(), bias.detach().numpy()
        dense = self.dense.weight, self.dense.bias
        weight, bias = (tensor.detach().numpy() for tensor in dense)
        return {**found, "dense": (weight, bias)}


def coloured_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's digits in colours, shape (N, 3, 32, 32), from 0 to 1, and their labels."""
    from sklearn.datasets import load_digits

    digits: Any = load_digits()
    shades = torch.from_numpy(digits.images / 16)[:, None].float()
    shades = functional.interpolate(shades, size=IMAGE[1:], mode="bilinear").numpy()
    random = np.random.default_rng(SEED)
    ground, ink = random.uniform(0, 0.4, (2, len(shades), 3, 1, 1))
    ink = 1 - ink
    images = ground + shades * (ink - ground)
    noisy = images + random.normal(0, 0.05, images.shape)
    return np.clip(noisy, 0, 1).astype(np.float32), digits.target.astype(np.int64)


def data_of(images: Path | None, labels: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Return images from 0 to 1, shape (N, 3, 32, 32), and labels."""
    if images is None or labels is None:
        return coloured_digits()
    x, classes = np.load(images), np.load(labels)
    if x.shape[1:] != IMAGE or x.dtype != np.uint8:
        raise SystemExit(f"{images}: images must be N×3×32×32 of uint8, got {x.shape} of {x.dtype}")
    if classes.shape != x.shape[:1] or not ((classes >= 0) & (classes < CLASSES)).all():
        raise SystemExit(f"{labels}: labels must be {len(x)} integers from 0 to {CLASSES - 1}")
    return (x / 255).astype(np.float32), classes.astype(np.int64)


def train(x: Tensor, labels: Tensor, steps: int, batch: int) -> ResNet9:
    """Train a network on images that are shifted at random."""
    torch.manual_seed(SEED)
    net = ResNet9()
    optimizer = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    order = torch.cat([torch.randperm(len(x)) for _ in range(-(-steps * batch // len(x)))])
    for step in range(steps):
        chosen = order[step * batch : (step + 1) * batch]
        loss = functional.cross_entropy(net(_shifted(x[chosen])), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 10 == 9 or step == steps - 1:
            print(f"step {step + 1} of {steps}: loss {loss.item():.3f}", flush=True)
    return net.eval()


def _shifted(images: Tensor) -> Tensor:
    """Shift a batch by up to SHIFT pixels; the edges are repeated."""
    padded = functional.pad(images, [SHIFT] * 4, mode="replicate")
    down, right = (int(torch.randint(2 * SHIFT + 1, ())) for _ in range(2))
    return padded[:, :, down : down + IMAGE[1], right : right + IMAGE[2]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n\n")[0].split("\n")[-1]
    )
    parser.add_argument("--images", type=Path, help="a .npy file")
    parser.add_argument("--labels", type=Path, help="a .npy file")
    parser.add_argument("--steps", type=int, default=200, help="of the optimizer (default: 200)")
    parser.add_argument("--batch", type=int, default=32, help="images of a step (default: 32)")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "build" / "resnet9")
    given = parser.parse_args()
    if (given.images is None) != (given.labels is None):
        parser.error("--images and --labels belong together")
    images, labels = data_of(given.images, given.labels)
    held_out = min(MOST_HELD_OUT, len(images) // 5)
    x, classes = torch.from_numpy(images), torch.from_numpy(labels)
    net = train(x[:-held_out], classes[:-held_out], given.steps, given.batch)
    with torch.no_grad():
        found = torch.cat([net(part) for part in x[-held_out:].split(100)])
    right = (found.argmax(1) == classes[-held_out:]).float().mean().item()
    print(f"{100 * right:.2f} % of {held_out} held-out images")

    model = model_of(net.folded())
    sample = images[-held_out:][:2]
    (logits,) = ReferenceEvaluator(model).run(None, {"image": sample})
    np.testing.assert_allclose(np.asarray(logits), found[:2].numpy(), rtol=1e-3, atol=1e-3)
    given.output.mkdir(parents=True, exist_ok=True)
    onnx.save(model, given.output / "resnet9.onnx")
    np.save(given.output / "images.npy", images[-held_out:])
    np.save(given.output / "labels.npy", labels[-held_out:])


if __name__ == "__main__":
    main()
