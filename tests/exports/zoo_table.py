"""Table of the networks that PyTorch exports: what cmir imports, compiles, proves and computes.

    make zoo                                all networks with both exporters
    make zoo ZOO_FLAGS="resnet18 vit"       some networks
    make zoo ZOO_FLAGS=--quick              a part that takes a few minutes at most

Exported files are kept in build/exports, so that only the first run needs the time of the exporters.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from exports.judging import Limits, Verdict, judge, run_module

EXPORTERS = ("dynamo", "torchscript")

QUICK = ("squeezenet1_1", "mobilenet_v3_small", "vit", "bert", "gpt2")
"""Networks of the part that CI runs: some of each kind."""

EXPECTED: Mapping[str, str] = {
    # PyTorch itself does not export it.
    "transformer_encoder_layer-torchscript": "argument 'is_causal' (position 6) must be bool",
}
"""Refused networks, `network-exporter`, with a part of the message."""

SOURCES = ("networks.py", "vision_networks.py", "transformer_networks.py", "export.py")


class Exports:
    """The exported files, in a folder for each version of PyTorch and of the networks."""

    def __init__(self, folder: Path, limits: Limits):
        here = Path(__file__).parent
        text = "".join((here / name).read_text(encoding="utf-8") for name in SOURCES)
        packages = ("torch", "torchvision", "transformers", "onnxscript")
        text += "".join(f"{name} {version(name)}\n" for name in packages)
        self.folder = folder / hashlib.sha256(text.encode()).hexdigest()[:12]
        self.limits = limits

    def get(self, name: str, exporter: str) -> tuple[Path, Sequence[str]]:
        """Return the folder of an exported network, and why the exporter fails: nothing if it does not."""
        folder = self.folder / f"{name}-{exporter}"
        failure = folder / "failure"
        if not folder.exists():
            new = folder.with_suffix(".new")
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            _, reasons = run_module(["exports.export", name, exporter, str(new)], self.limits)
            if reasons:
                (new / failure.name).write_text("\n".join(reasons), encoding="utf-8")
            new.rename(folder)
        return folder, failure.read_text(encoding="utf-8").splitlines() if failure.exists() else ()


def _verdict(exports: Exports, name: str, exporter: str, limits: Limits) -> Verdict:
    folder, reasons = exports.get(name, exporter)
    return Verdict(reasons=reasons) if reasons else judge(folder, limits)


def _line(name: str, exporter: str, verdict: Verdict) -> str:
    def mark(done: bool) -> str:
        return "yes" if done else "-"

    error = "-" if verdict.error is None else f"{verdict.error:.0e}"
    interval = "-" if verdict.interval is None else f"{verdict.interval:g}"
    return (
        f"{name:<26}{exporter:<12}{mark(verdict.imported):>9}{mark(verdict.compiled):>9}{mark(verdict.equal):>6}"
        f"{error:>8}{verdict.seconds:>8.1f}{interval:>10}  {' | '.join(verdict.reasons)}"
    ).rstrip()


HEADER = (
    f"{'network':<26}{'exporter':<12}{'imported':>9}{'compiled':>9}{'equal':>6}{'error':>8}{'seconds':>8}"
    f"{'interval':>10}  reason"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. Return 1 if a verdict is not as expected, otherwise 0."""
    parser = argparse.ArgumentParser(prog="zoo", description="Networks exported by PyTorch.")
    parser.add_argument("networks", nargs="*", help="networks (default: all)")
    parser.add_argument("--quick", action="store_true", help="a part, for CI")
    parser.add_argument("--exporter", choices=EXPORTERS, help="one exporter alone")
    parser.add_argument(
        "--folder", type=Path, default=Path("build/exports"), help="of the exported files"
    )
    parser.add_argument(
        "--seconds", type=int, default=Limits.seconds, help="of the processor, for a process"
    )
    options = parser.parse_args(arguments)
    limits = Limits(seconds=options.seconds)
    exports = Exports(options.folder, Limits(memory=64 << 30, seconds=1200))
    names = options.networks or (QUICK if options.quick else _all())
    exporters = (options.exporter,) if options.exporter else EXPORTERS
    verdicts: dict[str, Verdict] = {}
    print(HEADER, flush=True)
    for name in names:
        for exporter in exporters:
            verdict = verdicts[f"{name}-{exporter}"] = _verdict(exports, name, exporter, limits)
            print(_line(name, exporter, verdict), flush=True)
    for line in _totals([*verdicts.values()]):
        print(line)
    surprises = [name for name, verdict in verdicts.items() if not _is_expected(name, verdict)]
    if surprises:
        print(f"not as expected: {', '.join(surprises)}")
    return bool(surprises)


def _is_expected(name: str, verdict: Verdict) -> bool:
    if name in EXPECTED:
        return verdict.error is None and any(EXPECTED[name] in r for r in verdict.reasons)
    return verdict.equal


def _all() -> Sequence[str]:
    from exports.networks import networks

    return list(networks())


def _totals(verdicts: Sequence[Verdict]) -> Iterator[str]:
    exported = [v for v in verdicts if v.exported]
    for what in ("imported", "compiled", "equal"):
        count = sum(getattr(v, what) for v in exported)
        yield f"{what}: {count} of {len(exported)} exported ({count / max(1, len(exported)):.0%})"


if __name__ == "__main__":
    sys.exit(main())
