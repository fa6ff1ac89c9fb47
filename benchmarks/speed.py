"""How long everything takes, with onnxruntime as the yardstick: start-up, each level's IR, passes, execution, memory.

    python benchmarks/speed.py                        all networks, the curves, and what should be reached
    python benchmarks/speed.py --quick                less than a minute of it
    python benchmarks/speed.py resnet50 vgg19@256     some networks; @256 is split over crossbars of 256×256
    python benchmarks/speed.py --json speed.json      the same figures for programs

Figures are the least of several runs, the yardstick's taken in turn with the simulator's, in processes of their own. On
one thread, which is the default, they are CPU seconds (user and system): other work on the machine does not count, and
linear algebra does not wait for a core that somebody else has. On several threads they are seconds of wall time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import onnx
from speed_network import INFERENCES_TO_TIME, LEVELS
from speed_reach import CONVOLUTIONS, SPLIT_VGG19, Json, judge
from speed_tables import print_tables
from zoo import build

from cmir.support.atomic import atomic_path

SCHEMA = 1
CHILD = Path(__file__).with_name("speed_network.py")
NETWORKS = (
    "resnet20",
    "mobilenetv2",
    "resnet50",
    "vgg19",
    "densenet121",
    SPLIT_VGG19,
    CONVOLUTIONS,
)
QUICK_NETWORKS = ("resnet20", "mobilenetv2:96,32", CONVOLUTIONS)
CURVES = {
    "layers": ("chain:{},16,32", (6, 12, 25, 50, 100), None),
    "pixels": ("chain:8,16,{}", (16, 32, 64, 128, 256), None),
    "crossbars": ("chain:8,{},16", (64, 128, 256, 512), 64),
}
"""By what changes: the network, its values, and the size of crossbars that matrices are split over."""
QUICK_VALUES = 2
"""Of each curve."""


def of_network(text: str, runs: int, threads: int, patience: float = 1.0) -> Json:
    """The figures of a network `NAME[:SIZE,…][@CROSSBAR]`: the least of several processes.

    patience: about how many seconds each of them measures an execution.
    Raises ValueError for one that there is not.
    """
    name, _, split = text.partition("@")
    if split and not split.isdecimal():
        raise ValueError(f"`{text}`: the size of a crossbar must be a number, got '{split}'")
    with tempfile.TemporaryDirectory() as directory:
        model = Path(directory) / "model.onnx"
        onnx.save(build(name), model)
        request = {
            "model": str(model),
            "texts": directory,
            "threads": threads,
            "split": int(split) if split else 0,
            "patience": patience,
            "level": None,
        }
        found = [_child(request) for _ in range(runs)]
        levels = {}
        for level in LEVELS:
            of_level = request | {"level": str(Path(directory) / f"{level}.mlir")}
            levels[level] = least([_child(of_level) for _ in range(runs)])
    return {**least(found), "levels": levels}


def _child(request: Json) -> Json:
    threads = dict.fromkeys(
        ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(request["threads"])
    )
    done = subprocess.run(
        [sys.executable, str(CHILD)],
        input=json.dumps(request),
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **threads},
        check=True,
    )
    return json.loads(done.stdout)


def least(found: Sequence[Json]) -> Json:
    """Of each figure the least of several measurements."""
    return {
        key: least([one[key] for one in found])
        if isinstance(value, dict)
        else value
        if value is None
        else min(one[key] for one in found)
        for key, value in found[0].items()
    }


def of_tools(runs: int) -> Json:
    """The CPU seconds of `--version`, in turn."""
    seconds: dict[str, list[float]] = {"cm-opt": [], "xdsl-opt": []}
    for _ in range(runs):
        for tool, found in seconds.items():
            command = [str(Path(sys.executable).with_name(tool)), "--version"]
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {tool: min(found) for tool, found in seconds.items()}


def of_curve(axis: str, runs: int, threads: int, quick: bool) -> Iterator[Json]:
    """The points of a curve."""
    network, values, split = CURVES[axis]
    for value in values[:QUICK_VALUES] if quick else values:
        text = network.format(value) + (f"@{split}" if split else "")
        found = of_network(text, runs, threads, _patience(quick))
        compiled = found["compile"]
        point: Json = {"network": text, axis: value, "compile": compiled["total"]}
        point["lines"] = found["levels"]["cmcore"]["lines"]
        if axis == "pixels":
            point[axis] = value**2
        if axis == "crossbars":
            point[axis] = found["crossbars"]
        if not split:
            full = found["engine"]["full"]
            point |= {"one": full["one"], "timing": full["timing"]}
            point["onnxruntime"] = full["onnxruntime"]["one"]
        yield point


def _patience(quick: bool) -> float:
    return 0.2 if quick else 1.0


def measure(
    networks: Sequence[str],
    curves: Sequence[str],
    runs: int,
    threads: int,
    quick: bool,
    progress: Callable[[str], None],
) -> Json:
    """All figures, as they are written to a file."""
    measured: Json = {
        "schema": SCHEMA,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "versions": {name: version(name) for name in ("cmir", "numpy", "onnxruntime", "xdsl")},
        "clock": "CPU seconds" if threads == 1 else "seconds",
        "threads": threads,
        "runs": runs,
        "inferences timed": INFERENCES_TO_TIME,
        "networks": {},
        "curves": {},
    }
    progress("tools")
    measured["tools"] = of_tools(2 + runs)
    for text in networks:
        progress(text)
        measured["networks"][text] = of_network(text, runs, threads, _patience(quick))
    for axis in curves:
        progress(f"curve over {axis}")
        measured["curves"][axis] = list(of_curve(axis, runs, threads, quick))
    measured["reach"] = list(judge(measured))
    return measured


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=", ".join(NETWORKS))
    parser.add_argument("--quick", action="store_true", help="less than a minute of it")
    parser.add_argument("--runs", type=int, help="processes for each figure (default: 3; quick: 1)")
    parser.add_argument("--threads", type=int, default=1, help="of both (default: 1)")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file")
    arguments = parser.parse_args()
    runs = (1 if arguments.quick else 3) if arguments.runs is None else arguments.runs
    if min(runs, arguments.threads) < 1:
        parser.error("--runs and --threads must be positive")
    networks = arguments.networks or (QUICK_NETWORKS if arguments.quick else NETWORKS)
    curves = () if arguments.networks else tuple(CURVES)

    def progress(what: str) -> None:
        print(f"measuring {what}", file=sys.stderr, flush=True)

    try:
        measured = measure(networks, curves, runs, arguments.threads, arguments.quick, progress)
        if arguments.json is not None:
            with atomic_path(arguments.json) as path:
                path.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"{error.filename or arguments.json}: {error.strerror}")
    print_tables(measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())
