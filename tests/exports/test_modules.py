"""Modules of PyTorch in memory, compiled by the library, equal PyTorch's own outputs. `make zoo` runs this."""

# PyTorch need not be installed where types are checked.
# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cmir
from cmir.checking import difference

torch = pytest.importorskip("torch")
networks = pytest.importorskip(
    "exports.networks"
).networks()  # loads torchvision, which transformers needs


def expected(module: Any, *args: Any, **kwargs: Any) -> Any:
    with torch.no_grad():
        return module(*args, **kwargs)


def assert_equal(found: np.ndarray, wanted: Any) -> None:
    assert difference(found, wanted.numpy()) is None


def test_resnet18(tmp_path: Path) -> None:
    """A convolutional network: module, exported program and saved network agree with PyTorch on a stream."""
    network = networks["resnet18"]
    module = network.make(seed=0)
    (example,) = network.inputs().values()
    net = cmir.compile(module, example_inputs=(example,), progress=False)
    images = torch.randn(2, *example.shape[1:])
    run = net.run(images, progress=False)
    for k, image in enumerate(images):
        assert_equal(run.output[k], expected(module, image[None]))
    program = torch.export.export(module, (example,))
    of_program = cmir.compile(program, progress=False).run(images, progress=False)
    np.testing.assert_array_equal(of_program.output, run.output)
    net.save(tmp_path / "resnet18.cmir")
    loaded = cmir.load(tmp_path / "resnet18.cmir").run(images, progress=False)
    np.testing.assert_array_equal(loaded.output, run.output)


def test_bert() -> None:
    """A transformer from its library, with arguments by name and all of its outputs."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        vocab_size=100,
        max_position_embeddings=16,
    )
    module = BertModel(config).eval()
    ids = torch.randint(100, (1, 8))
    arguments = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    net = cmir.compile(module, example_inputs=arguments, progress=False)
    assert list(net.inputs) == list(arguments)
    run = net.run(arguments, progress=False)
    wanted = expected(module, **arguments)
    for array, name in zip(
        run.outputs.values(), ("last_hidden_state", "pooler_output"), strict=True
    ):
        assert_equal(array[0], wanted[name])
    assert "values equal" in net.verify()


def test_modules_as_users_have_them() -> None:
    """A module is exported for inference, and trains afterwards; a tensor is the only argument."""
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Dropout(0.9)).train()
    x = torch.randn(1, 4)
    net = cmir.compile(module, example_inputs=x, progress=False)
    assert module.training and net.inputs == {"input": (1, 4)}
    assert_equal(net.run(x, progress=False).output[0], expected(module.eval(), x))


def test_errors() -> None:
    module = torch.nn.Linear(4, 3)
    with pytest.raises(cmir.CompileError, match="a module needs example inputs"):
        cmir.compile(module)
    with pytest.raises(cmir.CompileError, match="cannot export the module: a and b must have same"):
        cmir.compile(module, example_inputs=(torch.randn(1, 5),), progress=False)
    assert module.training
