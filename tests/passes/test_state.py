"""State across inferences, from the nn to the polyhedral level: against NumPy loops, and one against the other."""

from __future__ import annotations

import numpy as np
import pytest
from end_to_end.drawn_state import (
    STARTS,
    Arrays,
    assert_equal,
    begins,
    draw_network,
    lower,
    stream,
)
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("first", STARTS)
def test_recurrent_cell(first: list[int] | None) -> None:
    """An Elman cell whose state is an output, too, from a state in the weights file."""
    random = np.random.default_rng(1)
    w, u = (random.standard_normal((5, 5)).astype(np.float32) / 2 for _ in range(2))
    start = random.standard_normal((5,)).astype(np.float32)
    network = lower(
        """
func.func @main(%x: tensor<5xf32>, %s: tensor<5xf32> {nn.carried_from = 0 : index, nn.initial = "start"})
    -> (tensor<5xf32>, tensor<5xf32>) {
  %w = nn.parameter "w" : tensor<5x5xf32>
  %u = nn.parameter "u" : tensor<5x5xf32>
  %a = nn.gemm %x, %w : (tensor<5xf32>, tensor<5x5xf32>) -> tensor<5xf32>
  %b = nn.gemm %s, %u : (tensor<5xf32>, tensor<5x5xf32>) -> tensor<5xf32>
  %c = nn.add %a, %b : (tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>
  %h = nn.tanh %c : (tensor<5xf32>) -> tensor<5xf32>
  func.return %h, %h : tensor<5xf32>, tensor<5xf32>
}
""",
        {"w": w, "u": u, "start": start},
    )
    inputs, expected, state = stream((5,)), list[Arrays](), start
    for n, (x,) in enumerate(inputs):
        state = np.tanh(x @ w + (start if begins(n, first) else state) @ u)
        expected.append([state])
    assert_equal(network.at_nn(inputs, first), expected)
    assert_equal(network.at_polyhedral(inputs, first), expected)
    assert network.copies() == 0


@pytest.mark.parametrize("first", STARTS)
def test_window_of_values(first: list[int] | None) -> None:
    """The last four keys are one read of the array of keys, whatever their initial values."""
    start = np.arange(24, dtype=np.float32).reshape(4, 6)
    network = lower(
        """
func.func @main(%x: tensor<1x6xf32>, %s: tensor<4x6xf32> {nn.carried_from = 1 : index, nn.initial = "start"})
    -> (tensor<4x6xf32>, tensor<4x6xf32>) {
  %k = nn.relu %x : (tensor<1x6xf32>) -> tensor<1x6xf32>
  %old = nn.slice %s {starts = [1, 0], ends = [4, 6]} : (tensor<4x6xf32>) -> tensor<3x6xf32>
  %n = nn.concat %old, %k {axis = 0} : (tensor<3x6xf32>, tensor<1x6xf32>) -> tensor<4x6xf32>
  %y = nn.tanh %n : (tensor<4x6xf32>) -> tensor<4x6xf32>
  func.return %y, %n : tensor<4x6xf32>, tensor<4x6xf32>
}
""",
        {"start": start},
    )
    inputs, expected, state = stream((1, 6)), list[Arrays](), start
    for n, (x,) in enumerate(inputs):
        state = start if begins(n, first) else state
        state = np.concatenate([state[1:], np.maximum(x, 0)])
        expected.append([np.tanh(state)])
    assert_equal(network.at_nn(inputs, first), expected)
    assert_equal(network.at_polyhedral(inputs, first), expected)
    assert network.copies() == 0
    (read,) = network.pipeline.stages["tanh1"].reads()
    (relation,) = (attribute.relation for attribute in read.maps)
    assert relation.n_basic_map() == 1 and "m = -3 + c" in str(relation)
    assert network.pipeline.arrays["k"].initial_inferences() == 3


@pytest.mark.parametrize("first", STARTS)
def test_last_frames_of_an_input(first: list[int] | None) -> None:
    """A delay line: of two pairs in a row, without any array but the input's."""
    network = lower("""
func.func @main(%a: tensor<3xf32> {nn.carried_from = 1 : index, nn.initial = dense<1.0> : tensor<3xf32>},
                %x: tensor<3xf32>,
                %b: tensor<3xf32> {nn.carried_from = 2 : index, nn.initial = dense<[2.0, 3.0, 4.0]> : tensor<3xf32>})
    -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %c = nn.sub %x, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  func.return %c, %x, %a : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}
""")
    inputs, expected = stream((3,)), list[Arrays]()
    a = b = np.zeros(3)
    for n, (x,) in enumerate(inputs):
        if begins(n, first):
            a, b = np.ones(3), np.array([2, 3, 4])
        expected.append([x - b])
        a, b = x, a
    assert_equal(network.at_nn(inputs, first), expected)
    assert_equal(network.at_polyhedral(inputs, first), expected)
    assert [*network.pipeline.stages] == ["sub1"]
    assert network.pipeline.arrays["x"].initial_inferences() == 2


def test_other_initial_values_of_the_same_elements() -> None:
    """Two arguments are carried from one value, and begin with different ones: one needs an array of its own."""
    network = lower("""
func.func @main(%x: tensor<3xf32>,
                %a: tensor<3xf32> {nn.carried_from = 1 : index, nn.initial = dense<1.0> : tensor<3xf32>},
                %b: tensor<3xf32> {nn.carried_from = 2 : index, nn.initial = dense<2.0> : tensor<3xf32>})
    -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %c = nn.sub %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  func.return %c, %x, %x : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}
""")
    inputs = stream((3,))
    expected = [[np.full(3, 0.0 if n else -1.0)] for n in range(len(inputs))]
    assert_equal(network.at_nn(inputs), expected)
    assert_equal(network.at_polyhedral(inputs), expected)
    assert network.copies() == 1


def test_written_in_the_layout_of_an_output() -> None:
    """The output has the state's elements in another layout, and so have the initial values."""
    network = lower("""
func.func @main(%x: tensor<2x3xf32>,
                %s: tensor<2x3xf32> {nn.carried_from = 1 : index,
                                     nn.initial = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>})
    -> (tensor<3x2xf32>, tensor<2x3xf32>) {
  %h = nn.add %x, %s : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %t = nn.transpose %h {perm = [1, 0]} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  func.return %t, %h : tensor<3x2xf32>, tensor<2x3xf32>
}
""")
    inputs, state, expected = stream((2, 3)), np.arange(1, 7).reshape(2, 3), list[Arrays]()
    for (x,) in inputs:
        state = state + x
        expected.append([state.T])
    assert_equal(network.at_nn(inputs), expected)
    assert_equal(network.at_polyhedral(inputs), expected)
    assert [*network.pipeline.stages] == ["add1"]


def test_state_without_use() -> None:
    """Two states that need each other, and that no output needs, are removed."""
    network = lower("""
func.func @main(%a: tensor<3xf32> {nn.carried_from = 0 : index, nn.initial = dense<1.0> : tensor<3xf32>},
                %x: tensor<3xf32>,
                %b: tensor<3xf32> {nn.carried_from = 2 : index, nn.initial = dense<1.0> : tensor<3xf32>},
                %c: tensor<3xf32> {nn.carried_from = 3 : index, nn.initial = dense<1.0> : tensor<3xf32>})
    -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %d = nn.add %x, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %e = nn.relu %a : (tensor<3xf32>) -> tensor<3xf32>
  %y = nn.add %x, %c : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  func.return %d, %y, %e, %y : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}
""")
    inputs = stream((3,))
    expected = [[1 + np.sum([x for (x,) in inputs[: n + 1]], axis=0)] for n in range(len(inputs))]
    assert_equal(network.at_nn(inputs), expected)
    assert_equal(network.at_polyhedral(inputs), expected)
    assert [*network.pipeline.stages] == ["add1"]


@given(st.data())
@settings(max_examples=100)
def test_random_networks(data: st.DataObject) -> None:
    """The polyhedral level computes what the nn level does, whatever is carried from whatever."""
    text, parameters, size = draw_network(data)
    network = lower(text, parameters)
    inputs, first = (
        stream((size,), seed=data.draw(st.integers(0, 9))),
        data.draw(st.sampled_from(STARTS)),
    )
    assert_equal(network.at_polyhedral(inputs, first), network.at_nn(inputs, first))
