"""Accuracy against the bits of the ADC and against time, with CPU seconds.

python benchmarks/accuracy.py                                   # the 360 digits of examples/digits
python benchmarks/accuracy.py net.onnx images.npy labels.npy
python benchmarks/accuracy.py net.onnx images.npy               # agreement with exact products
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import cmir
from cmir.library.accuracy import Accuracy, Reading

DIGITS = Path(__file__).parents[1] / "examples" / "digits"
CHIP = """
[crossbar]
rows = 256
columns = 256
input_bits = 8
{adc}
[crossbar.model]
name = "{model}"
"""
BITS = (3, 4, 5, 6, 7, 8, 10)
TIMES = {"1 s": 1.0, "1 h": 3600.0, "1 d": 86400.0, "1 y": 365 * 86400.0}
SEEDS = 10


def measured(
    model: Path, chip: str, images: np.ndarray, labels: np.ndarray, times: list[float], seeds: int
) -> tuple[Accuracy, float]:
    """Return the accuracy, and the CPU seconds that it took after compilation."""
    net = cmir.compile(str(model), hardware=chip, progress=False)
    start = time.process_time()
    found = net.accuracy(images, labels, at=times, seeds=seeds, progress=False)
    return found, time.process_time() - start


def text(reading: Reading) -> str:
    return f"{100 * reading.mean:6.2f} % ± {100 * reading.deviation:5.2f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="model, images, labels")
    files = parser.parse_args().files
    if not files:
        model = DIGITS / "digits.onnx"
        with np.load(DIGITS / "samples.npz") as samples:
            images = samples["images"].astype(np.float32)[:, None, None]
            labels = samples["labels"]
    else:
        model, images = files[0], np.load(files[1])
        labels = np.load(files[2]) if len(files) > 2 else exact_classes(model, images)
    print(f"{model.name}, {len(images)} samples")
    for bits in BITS:
        chip = CHIP.format(adc=f"adc_bits = {bits}", model="quantised")
        found, seconds = measured(model, chip, images, labels, [], 1)
        if bits == BITS[0]:
            print(f"  exact products  {100 * found.exact:6.2f} %")
        print(f"  ADC of {bits:>2} bits  {100 * found.readings[0].mean:6.2f} %  {seconds:6.1f} s")
    chip = CHIP.format(adc="adc_bits = 8", model="pcm")
    found, seconds = measured(model, chip, images, labels, [*TIMES.values()], SEEDS)
    for name, reading in zip(TIMES, found.readings, strict=True):
        print(f"  pcm, {name}        {text(reading)}")
    print(f"  {SEEDS} seeds at {len(TIMES)} times: {seconds:.1f} s")


def exact_classes(model: Path, images: np.ndarray) -> np.ndarray:
    """Return the class of each sample with exact products."""
    output = cmir.compile(str(model), progress=False).run(images, progress=False).output
    return output.reshape(len(output), -1).argmax(axis=1)


if __name__ == "__main__":
    main()
