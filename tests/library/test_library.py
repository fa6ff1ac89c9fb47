"""The library as its users call it."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from frontends.onnx_models import model_of
from ml_dtypes import uint4
from networks import Builder, reference_outputs
from onnx import numpy_helper

import cmir
from cmir.context import make_context
from cmir.documentation.python_page import python_page
from cmir.execution.lazily import Lazily
from cmir.support.diagnostics import CompileError
from cmir.support.numerics import BFLOAT16
from cmir.support.parsing import parse_module


def model() -> onnx.ModelProto:
    net = Builder(2, 6, 5)
    return net.model(net.conv(net.conv("x", 3, pads=1), 2))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("library") / "two.onnx"
    onnx.save(model(), path)
    return path


@pytest.fixture(scope="module")
def net(file: Path) -> cmir.Network:
    return cmir.compile(file, "hermes", storage="lossless", progress=False)


def weights() -> dict[str, np.ndarray]:
    return {w.name: numpy_helper.to_array(w) for w in model().graph.initializer}


def images(count: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((count, 2, 6, 5), np.float32)


def test_three_lines(file: Path, net: cmir.Network) -> None:
    stream = images(3)
    run = net.run(stream)
    (name,) = net.outputs
    assert net.inputs == {"x": (1, 2, 6, 5)} and net.outputs == {name: (1, 2, 4, 3)}
    assert run.outputs[name].shape == (3, 1, 2, 4, 3)
    for image, found in zip(stream, run.output, strict=True):
        (expected,) = reference_outputs(file, {"x": image})
        np.testing.assert_allclose(found[0], expected, rtol=1e-5, atol=1e-5)
    assert run.inferences == 3 and run.cycles > run.latency > 0 and run.interval > 0
    clock = net.hardware.system.clock_hz
    assert clock is not None and run.interval_seconds == run.interval / clock
    assert run.energy is not None and run.energy == sum(run.figures["energy_joules"].values())
    timed = net.timing(3)
    assert (timed.cycles, timed.outputs) == (run.cycles, {})
    assert "control proved" in net.verify()


@pytest.mark.parametrize(
    "given",
    [images(1)[0], images(1), [images(1)], {"x": images(1)}, images(1)[None]],
    ids=["sample", "batch of 1", "list", "dict", "stream of batches"],
)
def test_inputs_as_users_have_them(net: cmir.Network, given: object) -> None:
    expected = net.run({"x": images(1)}, progress=False).output
    np.testing.assert_array_equal(net.run(given, progress=False).output, expected)  # pyright: ignore[reportArgumentType]


def test_levels(net: cmir.Network) -> None:
    for level, op in (
        ("nn", "nn.conv"),
        ("polyhedral", "polyhedral.dependence"),
        ("cmcore", "cmcore.snoop"),
    ):
        text = net.ir(level)  # pyright: ignore[reportArgumentType]
        assert op in text
        parse_module(text, make_context()).verify()


def test_what_is_compiled(file: Path, net: cmir.Network) -> None:
    """A file, a proto, IR as text, and an xDSL module of one network give the same results."""
    expected = net.run(images(2)).output
    weights = {
        item.name: onnx.numpy_helper.to_array(item) for item in onnx.load(file).graph.initializer
    }
    text = net.ir("nn")
    module = parse_module(text, make_context())
    for source in (str(file), onnx.load(file)):
        found = cmir.compile(source, "hermes", storage="lossless", progress=False).run(images(2))
        np.testing.assert_array_equal(found.output, expected)
    for source in (text, module):
        found = cmir.compile(source, "hermes", weights=weights, progress=False).run(images(2))
        np.testing.assert_array_equal(found.output, expected[:, 0])


def test_saved_networks_are_not_compiled_again(net: cmir.Network, tmp_path: Path) -> None:
    path = tmp_path / "two.cmir"
    net.save(path)
    loaded = cmir.load(path)
    stream = images(2)
    one, two = net.run(stream), loaded.run(stream)
    np.testing.assert_array_equal(one.output, two.output)
    assert one.figures == two.figures and net.verify() == loaded.verify()
    for level in ("nn", "polyhedral", "cmcore"):
        assert net.ir(level) == loaded.ir(level)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(cmir.CompileError, match="not a network that cmir has saved"):
        cmir.load(path)


def test_pages_and_tables(net: cmir.Network, tmp_path: Path) -> None:
    run = net.run(images(1))
    assert run.report(tmp_path / "page").read_text().startswith("<!")
    assert "srcdoc" in run._repr_html_() and "srcdoc" in net._repr_html_()  # pyright: ignore[reportPrivateUsage]
    assert "two" in repr(net) and "latency" in repr(run)
    assert len(run.figures["programs"]) == len(net.timing().figures["programs"])


def test_lanes(net: cmir.Network) -> None:
    """They change neither times nor what is computed, and a check follows the run."""
    stream = images(7)
    alone = net.run(stream, lanes=1)
    for lanes, expected in ((3, 3), (None, 7)):
        run = net.run(stream, lanes=lanes)
        assert (run.lanes, run.cycles, run.figures) == (expected, alone.cycles, alone.figures)
        np.testing.assert_allclose(run.output, alone.output, rtol=1e-5, atol=1e-5)
        assert run.check()
    assert net.run(stream, chunk=4).lanes == 1
    with pytest.raises(CompileError, match="`lanes` must be an integer of at least 1, got 0"):
        net.run(stream, lanes=0)


@pytest.mark.parametrize("count", [1, 7, 70])
def test_an_iterable_is_a_stream(net: cmir.Network, count: int, tmp_path: Path) -> None:
    """Of inferences in any form that `run` takes, also of several at a time; outputs may be in a file."""
    stream, said, path = images(count), list[str](), tmp_path / "out.npy"
    expected = net.run(stream, progress=False)
    parts = ({"x": x} if n % 2 else (x[None],) for n, x in enumerate(stream))
    run = net.run(parts, progress=lambda text, _: said.append(text))
    halves = net.run(iter([stream[: count // 2], stream[count // 2 :]]), output=path)
    for found in (run, halves):
        assert (found.inferences, found.figures) == (count, expected.figures)
        np.testing.assert_allclose(found.output, expected.output, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(np.load(path), halves.output)
    assert said[-1] == f"executing: {count} of {count} inference{'s' * (count > 1)}"


def test_several_outputs_are_written_as_inferences_are_over(tmp_path: Path) -> None:
    """An archive as input and output gives what arrays in memory do."""
    build = Builder(2, 6, 5)
    hidden = build.conv("x", 3, pads=1)
    onnx.save(build.model(build.conv(hidden, 2), hidden), tmp_path / "two.onnx")
    net = cmir.compile(tmp_path / "two.onnx", storage="lossless", progress=False)
    stream = images(70)
    np.savez(tmp_path / "in.npz", x=stream)
    expected = net.run(stream, progress=False)
    samples = net.interface.read([tmp_path / "in.npz"], None)
    assert isinstance(samples, Lazily)
    path = tmp_path / "out.npz"
    runs = [
        net.execute(samples, None, None, None, lambda text, fraction=None: None, path),
        net.run(iter(stream), output=path, progress=False),
    ]
    for run in runs:
        assert run.outputs.keys() == expected.outputs.keys() and len(run.outputs) == 2
        for name, array in np.load(path).items():
            np.testing.assert_array_equal(run.outputs[name], array)
            np.testing.assert_allclose(array, expected.outputs[name], rtol=1e-5, atol=1e-5)


def test_an_iterable_that_can_begin_again(net: cmir.Network, file: Path) -> None:
    class Images:
        def __iter__(self):
            return iter(images(5))

    run = net.run(Images(), progress=False)
    assert run.check() and run.check()
    with pytest.raises(
        CompileError, match=r"^error: the inputs are an iterator, .* used up; give an"
    ):
        net.run(iter(images(5)), progress=False).check()


def test_crossbars_are_calibrated_on_an_iterable(file: Path) -> None:
    """Its first inferences run twice, also those of an iterator, and results are those of an array."""
    chip = cmir.Hardware.load("hermes").replace(crossbar__model={"name": "quantised"})
    expected = cmir.compile(file, chip, progress=False).run(images(20), progress=False)
    run = cmir.compile(file, chip, progress=False).run(iter(images(20)), progress=False)
    np.testing.assert_array_equal(run.output, expected.output)
    assert expected.model is not None


def test_errors_in_an_iterable_name_the_inference(
    net: cmir.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.npy"
    wrong = [*images(4), np.zeros((3, 3))]
    with pytest.raises(
        CompileError, match=r"input 'x' must have shape .* \[3, 3\], at inference 4$"
    ):
        net.run(iter(wrong), output=path)
    with pytest.raises(CompileError, match="there is no input 'z'; there are: x, at inference 1"):
        net.run(iter([images(1), {"z": images(1)}]))
    with pytest.raises(CompileError, match="there is no inference in the inputs"):
        net.run(iter([]), output=path)
    with pytest.raises(CompileError, match="an iterable has as many inferences as it yields; end"):
        net.run(iter(images(2)), inferences=4)
    with pytest.raises(CompileError, match=r"out\.txt: error: outputs are written to \.npy or"):
        net.run(images(1), output=tmp_path / "out.txt")
    with pytest.raises(ZeroDivisionError):
        net.run(images(1) / (1 // n) for n in (1, 0))
    assert not [*tmp_path.iterdir()]
    monkeypatch.setenv("CMIR_MEMORY", "1MB")

    def endless():
        while True:
            yield images(1)

    with pytest.raises(
        CompileError, match=r"there are \d+ inferences; running it needs about 1 MiB"
    ):
        net.run(endless())


def test_progress_is_reported(file: Path) -> None:
    said: list[tuple[str, float | None]] = []

    def progress(text: str, fraction: float | None) -> None:
        said.append((text, fraction))

    cmir.compile(file, progress=progress).run(images(1), progress=progress)
    assert ("compiling: polyhedral-derive-dependences", None) in said
    text, fraction = said[-1]
    assert text == "executing: 1 of 1 inference" and fraction == 1


def test_errors_are_exceptions(net: cmir.Network, file: Path, tmp_path: Path) -> None:
    with pytest.raises(cmir.CompileError, match=r"input 'x' must have shape \[1, 2, 6, 5\]"):
        net.run(np.zeros((3, 3)))
    with pytest.raises(cmir.CompileError, match="there is no input 'y'; there are: x"):
        net.run({"y": images(1)})
    with pytest.raises(cmir.CompileError, match="2 arrays for 1 input"):
        net.run((images(1), images(1)))
    with pytest.raises(cmir.CompileError, match="give either inputs or the seed"):
        net.run()
    with pytest.raises(cmir.CompileError, match="'foo' is not registered"):
        cmir.compile("builtin.module {\n  foo\n}")
    with pytest.raises(cmir.CompileError, match="neither a preset"):
        cmir.compile(file, "no such machine")
    with pytest.raises(cmir.CompileError, match="levels are nn"):
        net.ir("llvm")  # pyright: ignore[reportArgumentType]
    with pytest.raises(cmir.CompileError, match="example_inputs are for modules"):
        cmir.compile(file, example_inputs=(1,))
    core = cmir.compile(net.ir("cmcore"), progress=False)
    with pytest.raises(cmir.CompileError, match="was not compiled from the nn level"):
        core.ir("nn")


def test_errors_name_arguments_of_the_library(net: cmir.Network, tmp_path: Path) -> None:
    path = tmp_path / "open.onnx"
    text = """<ir_version: 8, opset_import: ["": 13]>
    g (float[N,3,height,?] x) => (float[N,3,height,?] y) { y = Relu(x) }"""
    onnx.save(onnx.parser.parse_model(text), path)
    with pytest.raises(cmir.CompileError) as raised:
        cmir.compile(path, progress=False)
    assert str(raised.value).endswith("set them: shapes={'x': (1,3,height,D3)}")
    with pytest.raises(cmir.CompileError, match="`shapes` names 'z', which is not an input"):
        cmir.compile(path, shapes={"z": (1, 3)}, progress=False)
    with pytest.raises(cmir.CompileError, match="`storage` needs an ONNX model, or IR at"):
        cmir.compile(net.ir("polyhedral"), storage="live", progress=False)
    relu = cmir.compile(path, shapes={"x": (1, 3, 2, 2)}, progress=False)
    with pytest.raises(cmir.CompileError, match="nothing is read that is written"):
        relu.plot_dependence()


def test_drawings(net: cmir.Network, tmp_path: Path) -> None:
    figure = net.plot_dependence("conv1", "conv2")
    figure.savefig(tmp_path / "dependence.png")
    assert (tmp_path / "dependence.png").stat().st_size > 1000
    with pytest.raises(cmir.CompileError, match=r"no dependence conv2; name one, \('writer'"):
        net.plot_dependence("conv2")
    net.run(images(1), progress=False).plot().savefig(tmp_path / "run.svg")


def test_hardware_as_users_have_it(file: Path, tmp_path: Path) -> None:
    chip = cmir.Hardware.load("hermes").replace(name="small", core__count=9, crossbar__rows=128)
    assert (chip.name, chip.core.count, chip.crossbar.rows) == ("small", 9, 128)
    described = tmp_path / "small.toml"
    described.write_text(chip.toml())
    given = (chip, chip.table(), described, str(described))
    cycles = {cmir.compile(file, one, progress=False).timing().cycles for one in given}  # pyright: ignore[reportArgumentType]
    assert len(cycles) == 1
    with pytest.raises(cmir.CompileError, match="no section `crossbars`"):
        chip.replace(crossbars__rows=3)
    with pytest.raises(cmir.CompileError, match="rows"):
        chip.replace(crossbar__rows=-1)


def test_import_is_cheap() -> None:
    """`import cmir` loads neither NumPy nor ISL nor xDSL."""
    heavy = "import sys, cmir; print([m for m in ('numpy', 'islpy', 'xdsl', 'onnx') if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", heavy], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_inputs_of_few_bits(tmp_path: Path) -> None:
    """Arrays hold them as `int8`; numbers that they lack are refused, also by a network that was saved."""
    model = model_of(
        "uint4[1,2,3] x",
        "s = Constant<value_float = 0.5>() y0 = DequantizeLinear(x, s) y1 = Transpose(x)",
        21,
        "float[] y0, uint4[] y1",
    )
    net = cmir.compile(model, progress=False)
    net.save(tmp_path / "net.cmir")
    numbers = np.array([[[0, 1, 2], [7, 8, 15]]], np.int8)
    for network in (net, cmir.load(tmp_path / "net.cmir")):
        for given in (numbers, numbers.astype(uint4)):
            floats, turned = network.run(given, progress=False).outputs.values()
            np.testing.assert_array_equal(floats[0], numbers / 2)
            assert turned.dtype == np.int8
            np.testing.assert_array_equal(turned[0], numbers.T)
        with pytest.raises(CompileError, match="input 'x' must have numbers of type uint4"):
            network.run(numbers + 1, progress=False)
        drawn = network.run(random=0, progress=False).outputs["y1"]
        assert drawn.min() >= 0 and drawn.max() <= 15


def test_bfloat16(tmp_path: Path) -> None:
    """Outputs have the type of ml_dtypes; weights are saved in it."""
    net = cmir.compile(
        model_of("bfloat16[N,6] x, bfloat16[6,4] w", "y = MatMul(x, w)", 13, "bfloat16[] y"),
        progress=False,
    )
    net.save(tmp_path / "net.cmir")
    x = np.arange(6, dtype=np.float32)[None]
    one, other = (n.run(x, progress=False).output for n in (net, cmir.load(tmp_path / "net.cmir")))
    assert one.dtype == BFLOAT16
    np.testing.assert_array_equal(one, other)


DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "digits.onnx"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"storage": "low"}, "`storage` must be one of 'full', "),
        ({"samples": "splitt"}, "`samples` must be one of 'auto', "),
        ({"replicate": "diagonal"}, "`replicate` must be one of "),
        (
            {"budget": {"core": 4}},
            "`budget` must be numbers by 'cores', 'crossbars', 'interval', got {'core': 4}",
        ),
        ({"budget": {"cores": 0}}, "`budget['cores']` must be an integer of at least 1, got 0"),
        ({"budget": {}, "replicate": True}, "give `replicate` or `budget`, not both"),
        ({"state": 3}, "`state` must be outputs by input"),
        ({"placement_seconds": "a"}, "`placement_seconds` must be"),
        ({"hardware": 3}, "`hardware` must be the name of a preset"),
        ({"source": 42}, "the source must be a path, an onnx.ModelProto, IR"),
    ],
)
def test_arguments_that_do_not_exist(options: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"source": DIGITS, "hardware": "hermes", **options}
    for function in (cmir.compile, partial(cmir.sweep, fields={"core.count": [64]})):
        with pytest.raises(cmir.CompileError) as raised:
            function(**given)
        assert raised.value.message.startswith(message)


def test_numbers_that_are_too_small() -> None:
    network = cmir.compile(DIGITS, {"crossbar": {"rows": 64}}, progress=False)
    assert network.hardware.name == "custom"
    for call in (lambda: network.run(random=0, inferences=0), lambda: network.timing(0)):
        with pytest.raises(
            cmir.CompileError, match="`inferences` must be an integer of at least 1, got 0"
        ):
            call()
    with pytest.raises(cmir.CompileError, match="`random` must be a seed of at least 0"):
        network.run(random=-1)
    with pytest.raises(ValueError, match="a run without data has no outputs"):
        _ = network.timing(2).output


def test_check(net: cmir.Network, file: Path, tmp_path: Path) -> None:
    """As cm-run --check, with the model, with IR, and for a network that was loaded."""
    run = net.run(random=0, inferences=2)
    assert run.check() and str(run.check()) == "equal to onnxruntime in all 2 inferences"
    assert str(run.check(reference="numpy")) == "equal to NumPy in all 2 inferences"
    net.save(tmp_path / "saved.cmir")
    loaded = cmir.load(tmp_path / "saved.cmir").run(random=0)
    assert str(loaded.check()) == "equal to NumPy in 1 inference"
    assert str(loaded.check(file)) == "equal to onnxruntime in 1 inference"
    from_ir = cmir.compile(net.ir("nn"), weights=weights()).run(random=0)
    assert str(from_ir.check()) == "equal to NumPy in 1 inference"


def test_check_of_wrong_results(net: cmir.Network) -> None:
    run = net.run(random=0)
    wrong = [{name: array + 1 for name, array in sample.items()} for sample in run.samples]
    run.samples = wrong
    verdict = run.check(rtol=1e-3)
    assert not verdict and "elements differ" in str(verdict)
    assert repr(verdict).startswith("<wrong: output '")


def test_check_without_a_reference(net: cmir.Network) -> None:
    with pytest.raises(cmir.CompileError, match=r"nothing to check: use net.run\(\)"):
        net.timing(2).check()
    lowered = cmir.compile(net.ir(), weights=weights()).run(random=0)
    with pytest.raises(
        cmir.CompileError, match=r"needs what the IR was compiled from: .* as `against`"
    ):
        lowered.check()


def test_visible_names(net: cmir.Network) -> None:
    """Completion in notebooks shows what is documented."""
    documented = python_page()
    for shown, what in ((net, "Network"), (net.timing(1), "Run")):
        for name in dir(shown):
            heading, field = f"### `{what}.{name}`", f"{name}: "
            assert heading in documented or field in (type(shown).__doc__ or "")
    assert {"run", "check", "timed"} & {*dir(net)} == {"run"}
    assert "check" in dir(net.timing(1))


def test_missing_packages_of_tables(net: cmir.Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(cmir.CompileError, match=r"'polars' is not installed.*: pip install polars"):
        net.timing(1).to_polars()
