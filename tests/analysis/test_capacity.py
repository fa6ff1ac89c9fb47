"""Whether a network fits on a chip: at the last core, crossbar and byte it does, with one less it does not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import ceil

import pytest
from networks import Builder
from proof.networks_to_prove import lower

from cmir.analysis.capacity import check_capacity, check_cores, check_sram
from cmir.dialects.cmcore import NetworkOp
from cmir.hardware.description import Hardware
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError

IDEAL = Hardware.load("ideal")
REPLICATE = "polyhedral-replicate{stage=conv1 copies=2}"


@cache
def network(passes: str = "") -> NetworkOp:
    """A convolution of 2 channels to 4 with windows of 3 x 3, and a maximum of 2 x 2."""
    net = Builder(2, 6, 6)
    return lower(net, net.pool(net.conv("x", 4)), passes=passes)


def chip(**core: int | None) -> Hardware:
    return replace(IDEAL, name="chip", core=replace(IDEAL.core, **core))


def refusal(network: NetworkOp, hardware: Hardware) -> str:
    def check() -> None:
        check_capacity(network, hardware)
        check_sram(network, hardware)

    with pytest.raises(CompileError) as caught:
        check()
    return str(caught.value)


@pytest.mark.parametrize(("passes", "cores"), [("", 2), (REPLICATE, 3)])
def test_cores(passes: str, cores: int) -> None:
    check_capacity(network(passes), chip(count=cores))
    check_capacity(network(passes), chip(count=None))
    assert f"the network needs {cores} cores, 1 more than the {cores - 1} of 'chip'" in refusal(
        network(passes), chip(count=cores - 1)
    )


def test_cores_of_a_network_that_is_not_there_yet() -> None:
    check_cores(network(), 5, chip(count=5))
    with pytest.raises(CompileError, match="the network needs 9 cores, 4 more than the 5"):
        check_cores(network(), 9, chip(count=5))


@pytest.mark.parametrize(("rows", "columns"), [(18, 4), (17, 4), (5, 3), (18, 1), (1, 1)])
def test_crossbars(rows: int, columns: int) -> None:
    """The matrix has 2 · 3 · 3 inputs and 4 outputs."""
    needs = ceil(2 * 3 * 3 / rows) * ceil(4 / columns)
    crossbar = replace(IDEAL.crossbar, rows=rows, columns=columns)
    check_capacity(network(), replace(chip(crossbars=needs), crossbar=crossbar))
    check_capacity(network(), replace(chip(crossbars=None), crossbar=crossbar))
    text = refusal(network(), replace(chip(crossbars=needs - 1), crossbar=crossbar))
    assert (
        f"@conv1 needs {count_of(needs, 'crossbar')}, 1 more than the {needs - 1} of a core" in text
    )
    assert f"18 inputs and 4 outputs, on crossbars of {rows} x {columns} " in text


def buffers(*sizes: int, bits: int = 32) -> int:
    """Bytes of buffers of so many elements, each of whole bytes."""
    return sum(ceil(size * bits / 8) for size in sizes)


@pytest.mark.parametrize("bits", [None, 8, 1])
def test_sram_of_whole_arrays(bits: int | None) -> None:
    """The convolution keeps the input and its bias, the maximum 4 x 4 x 4 elements, which are fewer."""
    needs = buffers(2 * 6 * 6, 4, bits=bits or 32)
    system = replace(IDEAL.system, element_bits=bits)
    check_sram(network(), replace(chip(sram_bytes=needs), system=system))
    check_sram(network(), replace(chip(sram_bytes=None), system=system))
    text = refusal(network(), replace(chip(sram_bytes=needs - 1), system=system))
    assert f"the buffers of @conv1 take {needs} bytes, 1 more than the {needs - 1} bytes" in text
    assert "inputs can be streamed: polyhedral-stream-inputs" in text
    assert "more core" not in text


@pytest.mark.parametrize(
    ("passes", "needs", "help"),
    [
        ("", buffers(2 * 6 * 6, 4), "rings of rows instead of whole arrays"),
        (",polyhedral-assign-storage{rows=3}", buffers(4 * 3 * 4), "fewer rows would take less"),
    ],
)
def test_what_would_take_less(passes: str, needs: int, help: str) -> None:
    """Parameters fit, so computed arrays have to have fewer rows: with three each, the maximum has the larger one."""
    streamed = network(f"polyhedral-stream-inputs{passes}")
    text = refusal(streamed, chip(sram_bytes=20))
    assert help in text and "; 1 more core does not fit" in text
    assert min(size for size in range(400) if fits(streamed, size)) == needs


def fits(network: NetworkOp, bytes: int) -> bool:
    try:
        check_sram(network, chip(sram_bytes=bytes))
    except CompileError:
        return False
    return True
