"""The model `pcm` beside IBM's aihwkit, on all tiles of a network.

    pip install 'cmir[aihwkit]'
    python benchmarks/aihwkit_networks.py resnet20.onnx

The tiles are those of 256 × 256 crossbars, and the figures those of `aihwkit_tiles.py`, at each of its times, with and
without compensation. A line per tile gives, for each figure, the largest difference of the means of both, in standard
errors of the difference. `--drifting` is the field of the model. `--store NAME=TILE ...` instead adds tiles to the file
that the tests read, as integers of 8 bits, the largest of which is 127.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from aihwkit_tiles import FIGURES, STORED, TIMES, of_aihwkit, of_pcm, over_seeds, standard_errors

import cmir
from cmir.crossbars.model import CrossbarModel, Where, computes
from cmir.crossbars.random import Columns
from cmir.crossbars.tiles import Tile
from cmir.hardware.crossbar_models import ModelSettings, Pcm, crossbar_model

CHIP = '[crossbar]\nrows = 256\ncolumns = 256\n[crossbar.model]\nname = "recording"\n'

_recorded: dict[str, np.ndarray] = {}


@crossbar_model("recording")
@dataclass(frozen=True)
class Recording(ModelSettings):
    """Exact products of tiles whose weights are kept."""


@computes(Recording)
class RecordingCrossbars(CrossbarModel):
    def program(self, where: Where, matrix: np.ndarray, tiles: Sequence[Tile]) -> np.ndarray:
        for tile in tiles:
            _recorded[f"{where.matrix}/{tile.number}"] = tile.weights(matrix).astype(np.float32)
        return matrix if matrix.ndim == 3 else matrix[None]

    def product(
        self, where: Where, programmed: np.ndarray, x: np.ndarray, columns: Columns
    ) -> np.ndarray:
        blocks, outputs, inputs = programmed.shape
        y = programmed.astype(float) @ x.reshape(blocks, inputs, -1)
        return y.reshape(blocks * outputs, -1)


def tiles_of_network(model: Path) -> dict[str, np.ndarray]:
    """Return the weights of all tiles of a network, by core, matrix and number of the tile."""
    _recorded.clear()
    net = cmir.compile(str(model), hardware=CHIP, placement_seconds=0, progress=False)
    net.run(random=0, inferences=1, progress=False)
    return dict(_recorded)


def compare(weights: np.ndarray, drifting: str) -> np.ndarray:
    """Return differences in standard errors, shape (with and without compensation, times, figures)."""
    rows: list[list[list[float]]] = []
    for compensation in (False, True):
        rows.append([])
        for at in TIMES.values():
            ours, theirs = (
                over_seeds(outputs, weights, compensation, at)
                for outputs in (of_pcm(Pcm(drifting=drifting)), of_aihwkit)
            )
            rows[-1].append([standard_errors(ours[name], theirs[name]) for name in FIGURES])
    return np.array(rows)


def store(found: dict[str, np.ndarray], named: Sequence[str]) -> None:
    """Add tiles to the file of the tests. named: NAME=CORE/MATRIX/TILE."""
    kept: dict[str, np.ndarray] = {}
    if STORED.exists():
        with np.load(STORED) as file:
            kept = {name: file[name] for name in file}
    for pair in named:
        name, _, place = pair.partition("=")
        weights = found[place]
        kept[name] = np.rint(weights * (127 / np.abs(weights).max())).astype(np.int8)
    np.savez_compressed(STORED, **kept)  # pyright: ignore[reportArgumentType]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", type=Path, help="an ONNX file")
    parser.add_argument("--store", nargs="+", metavar="NAME=TILE", help="tiles to keep for tests")
    parser.add_argument("--drifting", choices=["differences", "cells"], default="differences")
    arguments = parser.parse_args()
    found = tiles_of_network(arguments.model)
    if arguments.store:
        store(found, arguments.store)
        return
    print(f"{'tile':<28}{'weights':>10}" + "".join(f"{name:>8}" for name in FIGURES))
    all_tiles: list[np.ndarray] = []
    for name, weights in found.items():
        all_tiles.append(compare(weights, arguments.drifting))
        worst = np.abs(all_tiles[-1]).max(axis=(0, 1))
        size = "×".join(map(str, weights.shape))
        print(f"{name:<28}{size:>10}" + "".join(f"{value:8.2f}" for value in worst), flush=True)
    differences = np.array(all_tiles)
    count, most = differences.size, np.abs(differences).max()
    print(f"{count} means: {most:.2f} standard errors at most, ", end="")
    print(f"root mean square {np.sqrt(np.mean(differences**2)):.2f}")


if __name__ == "__main__":
    main()
