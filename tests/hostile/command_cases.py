"""Hostile command lines of all tools."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import onnx
from hostile import mutations, seeds

from cmir.tools import cm_opt, cm_run, cm_sweep, cm_translate

Case = Callable[[], int]

TOOLS: dict[str, Callable[[Sequence[str]], int]] = {
    "cm-opt": cm_opt.main,
    "cm-run": cm_run.main,
    "cm-sweep": cm_sweep.main,
    "cm-translate": cm_translate.main,
}

COMMANDS: tuple[str, ...] = (
    "cm-opt net.mlir -p nn-to-cmcore -o out.mlir",
    "cm-opt net.mlir -p nn-to-polyhedral,polyhedral-split-matrices{hardware=hermes},polyhedral-replicate{by=rows}",
    "cm-opt net.mlir --pass-pipeline builtin.module(canonicalize,nn-to-polyhedral,polyhedral-schedule{stage=conv1})",
    "cm-opt net.mlir -p nn-to-polyhedral,polyhedral-assign-storage{sizes=lossless,hardware=isaac} --color always",
    "cm-opt net.mlir -p nn-to-cmcore,cmcore-place-cores{hardware=hermes,strategy=snake} --weights w.safetensors",
    "cm-run model.onnx --random 0 --hardware hermes --json out.json --quiet",
    "cm-run net.mlir --timing-only --chunk 3 -n 4 --storage live --trace out.json",
    "cm-run model.onnx --random 7 -n 2 --check --rtol 1e-3 --atol 1e-4 --output out.npz --memory 8GiB",
    "cm-run net.mlir --random 1 --schedules 2 --seed 3 --replicate rows --hardware hermes --report out",
    "cm-run model.onnx --buffer-curve --output-curve out.csv --threads 1",
    "cm-sweep model.onnx --set crossbar.rows=64,128 --set core.crossbars=1..8:3 -o out.csv --dry-run",
    "cm-sweep net.mlir --hardware hermes --set interconnect.shape=[4,4],[8,8] --dry-run --storage live --jobs 1",
    "cm-translate --import-onnx model.onnx -o out.mlir --weights out.safetensors --shape x=1,2,8,8",
    "cm-translate --relation-to-svg model.onnx -o out.svg --dependence conv1:max_pool1",
    "cm-translate --import-onnx model.onnx --no-batch --memory 100MB",
)

WORDS: tuple[str, ...] = (
    *("0", "1", "-1", "nan", "inf", "1e400", "99999999999999999999", "0x10", "", " ", "=", ",", "{", "}"),
    *("--", "--help", "--version", "-", "-p", "-o", "--memory", "1KiB", "none", "1..99999999999", "[]", "[1,"),
    *("net.mlir", "model.onnx", "nowhere.onnx", "out.npy", "out", ".", "x", "\x1b[31m", "\u202e", "a\nb", "名"),
)  # fmt: skip


def commands(folder: Path, draw: Random) -> Case:
    """A command line with words changed, removed, repeated, swapped, or taken from another one."""
    model = seeds.layered_model()
    onnx.save(model, folder / "model.onnx")
    text = draw.choice([text for text in seeds.ir_texts() if "func.func" in text])
    (folder / "net.mlir").write_text(text, encoding="utf-8")
    tool, *words = draw.choice(COMMANDS).split()
    for _ in range(draw.choice((0, 1, 1, 2, 3))):
        at = draw.randrange(len(words)) if words else 0
        match draw.choice(("change", "inside", "inside", "remove", "repeat", "insert", "other")):
            case "change" if words:
                words[at] = draw.choice(WORDS)
            case "inside" if words:
                words[at] = mutations.mutate_text(words[at], WORDS, draw)
            case "remove" if words:
                del words[at]
            case "repeat" if words:
                words[at:at] = [words[at]]
            case "insert":
                words.insert(at, draw.choice(WORDS))
            case _:
                words.insert(at, draw.choice(draw.choice(COMMANDS).split()[1:]))
    # The commands run in the folder, and write nowhere else.
    words = [word.replace("/", "").replace("..\\", "").replace("\0", "") for word in words]
    (folder / "command").write_text(repr([tool, *words]), encoding="utf-8")

    def run() -> int:
        os.chdir(folder)
        return TOOLS[tool](words)

    return run


def sweeps(folder: Path, draw: Random) -> Case:
    """A sweep of one or two points, which may go on from a table with changed bytes."""
    onnx.save(seeds.layered_model(), folder / "model.onnx")
    field = draw.choice(
        ("crossbar.rows", "core.count", "core.sram_bytes", "interconnect.hop_cycles")
    )
    value = draw.choice((*map(str, mutations.INTEGERS), "64", "1024", "none", "[4,4]", "true", "x"))
    output = draw.choice(("out.csv", "out.csv", "out.parquet", "out.txt"))
    machine = draw.choice(("ideal", "hermes"))
    command = ["model.onnx", "--hardware", machine, "--set", f"{field}={value}", "-o", output]
    command += ["--jobs", "1", *draw.choice(([], ["--run", "0"], ["--storage", "live"]))]
    again = draw.random() < 0.5
    seed = draw.random()

    def run() -> int:
        os.chdir(folder)
        code = cm_sweep.main(command)
        if code or not again or not Path(output).exists():
            return code
        table = Path(output).read_bytes()
        Path(output).write_bytes(mutations.mutate_bytes(table, Random(seed)))
        return cm_sweep.main(command)

    return run
