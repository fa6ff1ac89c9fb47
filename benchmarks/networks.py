"""Networks to measure with, as ONNX models with random weights, always the same ones.

python benchmarks/networks.py --list                              their names
python benchmarks/networks.py resnet18 -o resnet18.onnx           one of them
python benchmarks/networks.py resnet18:32,8 -o small.onnx         of 32×32 images, an eighth of the channels
python benchmarks/networks.py chain:100,16,32 -o chain.onnx       a hundred layers of 16 channels of 32×32
"""

from __future__ import annotations

import argparse
import sys

import onnx
from zoo import NETWORKS, build, usage

from cmir.support.atomic import atomic_path


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("network", nargs="?", help="a name, or NAME:SIZE,... as --list shows it")
    parser.add_argument("-o", "--output", metavar="FILE", help="the ONNX file to write")
    parser.add_argument("--seed", type=int, default=0, help="of the weights")
    parser.add_argument("--list", action="store_true", help="list the networks and their sizes")
    arguments = parser.parse_args()
    if arguments.list:
        for name, network in NETWORKS.items():
            sizes = ",".join(map(str, network.sizes.values()))
            print(f"{usage(name):<30}{sizes:<10}{network.summary}")
        return
    if arguments.network is None or arguments.output is None:
        parser.error("give a network and -o FILE, or --list")
    try:
        model = build(arguments.network, arguments.seed)
        with atomic_path(arguments.output) as path:
            onnx.save(model, path)
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"{arguments.output}: {error.strerror}")


if __name__ == "__main__":
    sys.exit(main())
