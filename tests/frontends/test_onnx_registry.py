"""Importers of other packages: what a signature accepts, and what is refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from frontends.onnx_models import model_of, save

from cmir.frontends.onnx import (
    Activation,
    Constant,
    Node,
    OnnxError,
    Value,
    import_onnx,
    importer,
    operators,
    registry,
)

INPUTS = "float[N,4] x, float[N,4] x2, float[4] c"


@pytest.fixture(autouse=True)
def fancy(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Registers custom.Fancy for one test and returns the list of what it is called with."""
    calls: list[dict[str, object]] = []
    monkeypatch.setattr(registry, "_importers", dict(registry.registered()))

    @importer("Fancy", domain="custom")
    def import_fancy(
        node: Node,
        x: Activation,
        c: Constant | None = None,
        *more: Value,
        k: int = 3,
        scales: Sequence[float] = (),
        kind: str = "plain",
    ) -> Value:
        calls.append({"c": c, "more": more, "k": k, "scales": scales, "kind": kind})
        return x

    return calls


@dataclass(frozen=True)
class Grid:
    """Settings that operators share."""

    size: int
    origin: int = 0


def imported(body: str, directory: Path) -> None:
    import_onnx(save(model_of(INPUTS, body), directory))


def refusal(body: str, directory: Path) -> list[str]:
    with pytest.raises(OnnxError) as caught:
        imported(body, directory)
    return list(caught.value.messages)


def test_is_listed() -> None:
    assert "custom.Fancy" in operators()


def test_defaults(fancy: list[dict[str, object]], tmp_path: Path) -> None:
    imported("y = custom.Fancy(x)", tmp_path)
    assert fancy == [{"c": None, "more": (), "k": 3, "scales": (), "kind": "plain"}]


def test_attributes(fancy: list[dict[str, object]], tmp_path: Path) -> None:
    imported('y = custom.Fancy<k = 4, scales = [0.5, 1.0], kind = "odd">(x)', tmp_path)
    assert fancy == [{"c": None, "more": (), "k": 4, "scales": [0.5, 1.0], "kind": "odd"}]


def test_inputs(fancy: list[dict[str, object]], tmp_path: Path) -> None:
    imported("y = custom.Fancy(x, c, x2, c)", tmp_path)
    (call,) = fancy
    assert isinstance(call["c"], Constant)
    assert isinstance(more := call["more"], tuple)
    assert [type(value) is Constant for value in more] == [False, True]


def test_settings_of_a_dataclass(tmp_path: Path) -> None:
    grids: list[tuple[Grid, int]] = []

    @importer("Shared", domain="custom")
    def import_shared(node: Node, x: Activation, *, grid: Grid, k: int = 3) -> Value:
        grids.append((grid, k))
        return x

    imported("y = custom.Shared<size = 5, k = 1>(x)", tmp_path)
    imported("y = custom.Shared<origin = 2, size = 4>(x)", tmp_path)
    assert grids == [(Grid(5), 1), (Grid(4, 2), 3)]
    (missing,) = refusal("[n] y = custom.Shared<origin = 2>(x)", tmp_path)
    assert "missing 1 required positional argument: 'size'" in missing
    assert refusal("[n] y = custom.Shared<size = 5, grid = 1>(x)", tmp_path) == [
        "node 'n' (Shared): attribute grid = 1 is not supported"
    ]


def test_unknown_attributes(tmp_path: Path) -> None:
    assert refusal('[n] y = custom.Fancy<k = 1, mode = "a", size = [2, 3]>(x)', tmp_path) == [
        "node 'n' (Fancy): attribute mode = a is not supported;"
        " attribute size = [2, 3] is not supported"
    ]


def test_unknown_attributes_behind_a_refused_node(tmp_path: Path) -> None:
    assert refusal("[m] t = RandomNormalLike(x) [n] y = custom.Fancy<mode = 1>(t)", tmp_path) == [
        "operator RandomNormalLike is not supported (node 'm')",
        "node 'n' (Fancy): attribute mode = 1 is not supported",
    ]


def test_kinds_of_inputs(tmp_path: Path) -> None:
    assert refusal("[n] y = custom.Fancy(x, x2)", tmp_path) == [
        "node 'n' (Fancy): input 1 must be a constant, but depends on the model's inputs"
    ]
    assert refusal("[n] y = custom.Fancy(c)", tmp_path) == [
        "node 'n' (Fancy): input 0 is a constant, which is not supported"
    ]
    assert refusal("[n] y = custom.Fancy()", tmp_path) == [
        "node 'n' (Fancy): missing a required argument: 'x'"
    ]


def test_outputs(tmp_path: Path) -> None:
    assert refusal("[n] t, u = custom.Fancy(x) y = Add(t, u)", tmp_path) == [
        "node 'n' (Fancy): output 1 is not supported"
    ]


@pytest.mark.parametrize("batched", [True, False])
def test_a_batch_by_definition(batched: bool, tmp_path: Path) -> None:
    """Without a batch dimension, all of a tensor is a sample, unless the operator's first dimension is a batch."""

    @importer("Fancy", domain="custom", batched=batched)
    def import_fancy(node: Node, x: Activation) -> Value:
        return x

    path = save(model_of("float[2,4] x", "[n] y = custom.Fancy(x)"), tmp_path)
    if not batched:
        assert import_onnx(path, batch=False).outputs == {"y": (2, 4)}
        return
    with pytest.raises(OnnxError, match="a batch of 2 is not one sample"):
        import_onnx(path, batch=False)


@pytest.mark.parametrize("grows", [True, False])
def test_indices_must_not_grow(grows: bool, tmp_path: Path) -> None:
    @importer("Abs", grows=grows)
    def import_abs(node: Node, x: Activation) -> Value:
        return x

    path = save(
        model_of(INPUTS, "i = ArgMax<axis = 1>(x) [n] m = Abs(i) y = Cast<to = 1>(m)"), tmp_path
    )
    if not grows:
        import_onnx(path)
        return
    with pytest.raises(OnnxError, match="arithmetic on int64 is not supported"):
        import_onnx(path)
