"""Valid bits and counts of words: their number by enumeration of relations, and their circuit in a simulation."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import islpy as isl
import pytest
from enumeration import Point, pairs
from networks import Builder
from proof.networks_to_prove import NETWORKS, RINGS, lower
from rtl.programs import needs_icarus, needs_yosys, run_icarus, timed_on
from xdsl.dialects.builtin import ModuleOp

from cmir.dialects.cmcore import BufferOp, LoadOp, NetworkOp, ProgramOp
from cmir.dialects.core_name import CoreName
from cmir.dialects.polyhedral import symbol
from cmir.rtl.costing import control_cost
from cmir.rtl.synthesis import NOTHING, synthesize
from cmir.rtl.verilog import export_verilog
from cmir.rtl.word_circuits import MOST_OF_A_GROUP, bank, selector, word_circuits
from cmir.rtl.word_states import WordStates, word_states

INFERENCES = 12
"""More than there are before slots repeat."""

Store = tuple[str, Point]
"""A program and its iteration that stores."""


def enumerated(network: NetworkOp) -> Iterator[tuple[str, str, int, int]]:
    """(program, array, words, most reads) of each buffer that is written and read, from relations point by point."""
    writer: dict[str, dict[Point, Store]] = defaultdict(dict)
    for name, program in network.programs.items():
        for store in program.stores():
            for iteration, location in accesses(program, store.map.relation):
                writer[symbol(store.array)][location] = name, iteration
    for name, program in network.programs.items():
        for buffer in program.buffers:
            written = writer[symbol(buffer.array)]
            reads: dict[Store, set[object]] = defaultdict(set)
            for iteration, back, location in loaded(program, buffer):
                if location in written:
                    reads[written[location]].add((iteration, back))
            if reads:
                stores = {at: store for at, store in written.items() if store in reads}
                words = len({*map(frozenset, stores_of_slots(buffer, stores).values())})
                yield name, symbol(buffer.array), words, max(map(len, reads.values()))


def loaded(program: ProgramOp, buffer: BufferOp) -> Iterator[tuple[Point, int, Point]]:
    """(iteration, inference relative to it, location) of everything that a program loads from a buffer."""
    for op in program.walk():
        if isinstance(op, LoadOp):
            for value, relation in op.buffers_and_maps():
                for iteration, location in accesses(program, relation.relation):
                    back, place = (
                        (0, location) if op.across is None else (location[0], location[1:])
                    )
                    if value is buffer.result:
                        yield iteration, back, place


def accesses(program: ProgramOp, relation: isl.Map) -> list[tuple[Point, Point]]:
    """The iterations of a program with the locations that they access."""
    rank = len(program.iteration.body.block.args)
    return [(left[:rank], location) for left, location in pairs(relation)]


def stores_of_slots(buffer: BufferOp, stores: dict[Point, Store]) -> dict[object, set[object]]:
    """The stores that write each slot, each with its inference."""
    found: dict[object, set[object]] = defaultdict(set)
    if buffer.storage is None:
        for location, store in stores.items():
            found[location].add(store)
        return found
    locations = isl.Set.empty(buffer.storage.relation.domain().get_space())
    for inference in range(INFERENCES):
        for location in stores:
            point = isl.Set.universe(locations.get_space())
            for k, value in enumerate((inference, *location)):
                point = point.fix_val(isl.dim_type.set, k, value)
            locations = locations | point
    for (inference, *location), slot in pairs(buffer.storage.relation.intersect_domain(locations)):
        found[slot].add((inference, stores[tuple(location)]))
    return found


def assert_words(network: NetworkOp) -> None:
    found = [
        (states.core.program, states.array, states.words, states.reads)
        for states in word_states(timed_on(network).network)
    ]
    assert sorted(found) == sorted(enumerated(network))


@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
def test_words(make: Callable[[], NetworkOp]) -> None:
    network = make()
    names = [instance.core_name for _, instance in network.instances]
    if any(name.coordinates or name.turn is not None for name in names):
        pytest.skip("the enumeration is of programs on one core")
    assert_words(network)


def test_words_of_rings_and_whole_arrays() -> None:
    """Known without enumeration: 5 × 5 pixels, each with all channels, in whole arrays or in rings of 3 rows."""
    net = Builder(2, 5, 5)
    a = net.conv(net.conv("x", 4, pads=1), 3, pads=1)
    found = {}
    for passes in "", RINGS, "polyhedral-assign-storage{rows=3}":
        states = word_states(timed_on(lower(net, a, passes=passes)).network)
        found[passes] = [(each.words, each.reads, each.bits) for each in states]
    assert [*found.values()] == [[(25, 9, 125)], [(15, 9, 75)], [(15, 9, 75)]]


def test_bits() -> None:
    """A count holds the reads after the next one."""
    bits = {reads: WordStates(CoreName("c"), "a", 10, reads).bits for reads in (1, 2, 3, 4, 5, 9)}
    assert bits == {1: 10, 2: 20, 3: 30, 4: 30, 5: 40, 9: 50}


def test_groups() -> None:
    """Every word is in a bank, and every bank below selectors that end in one."""
    most = MOST_OF_A_GROUP
    for words in 1, 2, most - 1, most, most + 1, 3 * most + 5, most * most, most * most + 1:
        circuits = word_circuits(WordStates(CoreName("c"), "a", words, 3))
        names = [(module.sym_name.data, count) for count, module in circuits]
        assert sum(n * int(name.split("_")[1]) for name, n in names if "words" in name) == words
        below = sum(n for name, n in names if "words" in name)
        selected = sum(n * int(name.split("_")[1]) for name, n in names if "banks" in name)
        selectors = sum(n for name, n in names if "banks" in name)
        # A selector of one bank is none: the bank itself is below the next selector.
        assert selected == below + selectors - 1


@needs_yosys
@pytest.mark.parametrize(("words", "reads"), [(1, 1), (1, 5), (7, 1), (33, 2)])
def test_flip_flops_of_words(words: int, reads: int) -> None:
    states = WordStates(CoreName("c"), "a", words, reads)
    sizes = [count * synthesize([module]) for count, module in word_circuits(states)]
    assert sum(sizes, NOTHING).flip_flops == states.bits


_BENCH = """
module tb;
  logic clk = 0, rst = 1;
  always #5 clk = !clk;
  logic write = 0, read = 0, may_write, may_read;
  logic [2:0] write_word = 0, read_word = 0;
  logic [1:0] reads = 0;
  words_5_2 dut (.clk(clk), .rst(rst), .write(write), .read(read), .reads(reads), .write_word(write_word),
                 .read_word(read_word), .may_write(may_write), .may_read(may_read));
  logic [9:0] stimulus [0:{last}];
  initial begin
    $readmemb("requests.txt", stimulus);
    repeat (2) @(negedge clk);
    rst = 0;
    for (integer k = 0; k <= {last}; k = k + 1) begin
      {{write, write_word, reads, read, read_word}} = stimulus[k];
      #1 $display("%b%b", may_write, may_read);
      @(negedge clk);
    end
    $finish;
  end
endmodule
"""


@needs_icarus
def test_a_bank_does_what_it_should(tmp_path: Path) -> None:
    """Against the number of reads that each word has left, for random requests that are allowed."""
    draw = random.Random(0)
    left = [0] * 5
    requests, expected = [], []
    for _ in range(2000):
        write_word, read_word, reads = draw.randrange(5), draw.randrange(5), draw.randrange(4)
        may_write, may_read = left[write_word] == 0, left[read_word] > 0
        write, read = may_write and draw.random() < 0.6, may_read and draw.random() < 0.6
        requests.append(f"{write:b}{write_word:03b}{reads:02b}{read:b}{read_word:03b}")
        expected.append(f"{may_write:b}{may_read:b}")
        if read:
            left[read_word] -= 1
        if write:
            left[write_word] = reads + 1
    assert {"10", "01", "11", "00"} == {*expected}
    (tmp_path / "requests.txt").write_text("\n".join(requests))
    files = [
        ("bank.sv", export_verilog(ModuleOp([bank(5, 2)]))),
        ("tb.sv", _BENCH.format(last=len(requests) - 1)),
    ]
    assert run_icarus(tmp_path, files, "tb").split() == expected


@needs_icarus
def test_a_selector_passes_on(tmp_path: Path) -> None:
    bench = """
module tb;
  logic [2:0] may_w, may_r, w, r;
  logic mw, mr;
  logic [1:0] wb, rb;
  banks_3 dut (.clk(1'b0), .rst(1'b0), .write(1'b1), .read(1'b1), .write_bank(wb), .read_bank(rb),
    .may_write0(may_w[0]), .may_write1(may_w[1]), .may_write2(may_w[2]),
    .may_read0(may_r[0]), .may_read1(may_r[1]), .may_read2(may_r[2]),
    .write0(w[0]), .write1(w[1]), .write2(w[2]), .read0(r[0]), .read1(r[1]), .read2(r[2]),
    .may_write(mw), .may_read(mr));
  initial for (integer k = 0; k < 9; k = k + 1) begin
    wb = k / 3; rb = k % 3; may_w = 3'b010; may_r = 3'b101;
    #1 $display("%b%b%b%b", w, r, mw, mr);
  end
endmodule
"""
    files = [("banks.sv", export_verilog(ModuleOp([selector(3)]))), ("tb.sv", bench)]
    assert run_icarus(tmp_path, files, "tb").split() == [
        f"{1 << w:03b}{1 << r:03b}{w == 1:b}{r != 1:b}" for w in range(3) for r in range(3)
    ]


def test_every_token_counter_guards_a_buffer() -> None:
    """Those of a unit, together, are those of the buffers that it reads, and of readers of what it writes."""
    net = Builder(2, 6, 6)
    a = net.conv("x", 2, pads=1)
    c = net.add(net.conv(a, 2, pads=1), a)
    cost = control_cost(timed_on(lower(net, c, passes=RINGS)), gates=False)
    counters = sum(unit.count * sum(unit.bits.counters) for unit in cost.units)
    assert cost.in_counters.state_bits == counters > 0
    assert cost.in_words.state_bits > cost.in_counters.state_bits
