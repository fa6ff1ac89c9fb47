"""References of cm-run --check: evaluations of an ONNX model, or of IR at the nn or polyhedral level."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import numpy as np
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation

from cmir.compilation.model import ONNX_SUFFIXES, Model, read_model
from cmir.frontends.state import State, pairs_by_name
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError

if TYPE_CHECKING:
    from cmir.checking import Guide
    from cmir.checking.process import EvaluatorName
    from cmir.dialects.polyhedral import PipelineOp
    from cmir.frontends.onnx.state import ImportedState

EvaluatorChoice = Literal["onnxruntime", "numpy"]

Arrays: TypeAlias = list[np.ndarray]
"""The inputs or outputs of an inference, in order."""


class Reference(ABC):
    """A network, in the form that the results of running it are compared with."""

    path: Path
    """The file of the network."""
    name: str
    """The evaluator, for messages."""

    @property
    @abstractmethod
    def has_state(self) -> bool:
        """True if outputs may depend on inferences before."""

    @abstractmethod
    def evaluate(
        self, inputs: Sequence[Arrays], first: Sequence[int] | None = None
    ) -> list[Arrays]:
        """Return the outputs of the inferences of a stream.

        first: for each inference, the number of the first inference of its sequence, in which state has its initial
        values; by default, the stream is one sequence. Raises CompileError if the network cannot be evaluated.
        """

    @abstractmethod
    def evaluate_in_double(
        self,
        inputs: Sequence[Arrays],
        narrowest: str | None = None,
        first: Sequence[int] | None = None,
    ) -> list[Arrays]:
        """Return the outputs of inferences with all floats in double precision. Raises like `evaluate`.

        An imported network has constants that were computed in single precision. Where a quantised number of an ONNX
        model without state lies on a tie, up to the errors of floats of the type `narrowest`, it is therefore rounded
        as the imported network rounds it in double precision.
        """

    def fault(self, index: int, shape: Sequence[int]) -> str | None:
        """Return how a shape that `evaluate` gives an output contradicts the network, or None if it does not."""
        return None

    def substitute(self) -> Reference | None:
        """Return the reference that takes the place of this one where this one has no result, or None."""
        return None


@dataclass
class IrReference(Reference):
    """IR at the nn or polyhedral level, evaluated with NumPy."""

    path: Path
    network: Operation
    parameters: Mapping[str, np.ndarray]
    name: str = "NumPy"

    @property
    def has_state(self) -> bool:
        return has_state(self.network)

    def evaluate(
        self, inputs: Sequence[Arrays], first: Sequence[int] | None = None
    ) -> list[Arrays]:
        return _evaluate(self.network, inputs, self.parameters, first)

    def evaluate_in_double(
        self,
        inputs: Sequence[Arrays],
        narrowest: str | None = None,
        first: Sequence[int] | None = None,
    ) -> list[Arrays]:
        from cmir.semantics.precision import DoubleParameters, in_double

        return _evaluate(in_double(self.network), inputs, DoubleParameters(self.parameters), first)


def has_state(network: Operation) -> bool:
    """Return True if a network at any level has state across inferences."""
    from cmir.dialects.cmcore import NetworkOp
    from cmir.dialects.nn.carried import carried_pairs
    from cmir.dialects.polyhedral import PipelineOp

    match network:
        case FuncOp():
            return bool(carried_pairs(network))
        case PipelineOp() | NetworkOp():
            return any(array.initial is not None for array in network.arrays.values())
        case _:
            return False


def _evaluate(
    network: Operation,
    inputs: Sequence[Arrays],
    parameters: Mapping[str, np.ndarray],
    first: Sequence[int] | None,
) -> list[Arrays]:
    from cmir.dialects.nn import evaluate as of_functions
    from cmir.dialects.polyhedral import PipelineOp
    from cmir.semantics import pipeline as of_pipelines

    assert isinstance(network, FuncOp | PipelineOp)
    shapes = [cast(TensorType[Attribute], type_).get_shape() for type_ in _input_types(network)]
    inputs = [[x.reshape(s) for x, s in zip(xs, shapes, strict=True)] for xs in inputs]
    with np.errstate(all="ignore"):  # infinities and NaNs are results
        if isinstance(network, FuncOp):
            results = of_functions.evaluate_stream(network, inputs, parameters, first)
        else:
            results = of_pipelines.evaluate_stream(network, inputs, parameters, first)
        return [[*outputs] for outputs in results]


@dataclass
class OnnxReference(Reference):
    """An ONNX model, evaluated in another process by `cmir.checking`'s rule, or by onnxruntime in any case.

    load: returns the same network as IR. substitutes: False if the user excludes that it takes the place of the model.
    samples: number of samples in a batch of the model, of which an inference takes one. state: inputs that are carried
    from outputs.
    """

    path: Path
    onnxruntime: bool
    load: Callable[[], IrReference]
    substitutes: bool = True
    samples: int = 1
    state: Sequence[ImportedState] = ()
    name: str = "onnxruntime"

    @property
    def has_state(self) -> bool:
        return bool(self.state)

    def evaluate(
        self, inputs: Sequence[Arrays], first: Sequence[int] | None = None
    ) -> list[Arrays]:
        self.name, outputs = self._evaluate(
            "onnxruntime" if self.onnxruntime else "reference", inputs, first
        )
        return outputs

    def evaluate_in_double(
        self,
        inputs: Sequence[Arrays],
        narrowest: str | None = None,
        first: Sequence[int] | None = None,
    ) -> list[Arrays]:
        from cmir.checking.process import evaluate_in_double_apart

        if self.state:
            return self._evaluate("float64", inputs, first)[1]
        guides = self._guides(inputs, narrowest)
        return self._first(evaluate_in_double_apart(self.path, self._batched(inputs), guides))

    def _evaluate(
        self, which: EvaluatorName, inputs: Sequence[Arrays], first: Sequence[int] | None
    ) -> tuple[str, list[Arrays]]:
        """Return the name of the evaluator and the outputs of a stream. Carried outputs become inputs again."""
        from cmir.checking.process import evaluate_apart
        from cmir.checking.reference import declared_shapes, inputs_of

        if not self.state:
            name, found = evaluate_apart(which, self.path, self._batched(inputs))
            return name, self._first(found)
        names = [info.name for info in inputs_of(self.path)]
        outputs = [*declared_shapes(self.path)]
        source = {one.input: outputs.index(one.output) for one in self.state}
        initial = {one.input: one.initial for one in self.state}

        def complete(
            number: int, given: Sequence[np.ndarray], before: Sequence[np.ndarray]
        ) -> Arrays:
            begins = number == (0 if first is None else first[number])
            state = initial if begins else {name: before[k] for name, k in source.items()}
            others = iter(given)
            return [state[name] if name in state else next(others) for name in names]

        name, found = evaluate_apart(which, self.path, self._batched(inputs), complete)
        carried = {*source.values()}
        kept = [[x for k, x in enumerate(results) if k not in carried] for results in found]
        return name, self._first(kept)

    def _guides(self, inputs: Sequence[Arrays], narrowest: str | None) -> list[Guide]:
        """Return the integers that the imported network rounds to in double precision, for each inference."""
        from cmir.checking import Guide, default_tolerances
        from cmir.execution.guide import rounded_numbers
        from cmir.semantics.precision import DoubleParameters, in_double

        _, atol = default_tolerances(np.dtype(np.float32), narrowest)
        imported = self.load()
        network, parameters = in_double(imported.network), DoubleParameters(imported.parameters)
        assert isinstance(network, FuncOp)
        return [Guide(rounded_numbers(network, arrays, parameters), atol) for arrays in inputs]

    def fault(self, index: int, shape: Sequence[int]) -> str | None:
        from cmir.checking.reference import declared_shapes

        inner = {one.output for one in self.state}
        shown = {n: s for n, s in declared_shapes(self.path).items() if n not in inner}
        name, declared = list(shown.items())[index]
        if _fits(shape, declared):
            return None
        wrong = f"{self.name} gives output '{name}' the shape {list(shape)}"
        return f"{wrong}, and the model declares {_text(declared)}"

    def substitute(self) -> Reference | None:
        return self.load() if self.substitutes else None

    def _batched(self, inputs: Sequence[Arrays]) -> list[Arrays]:
        """Return inputs with the batch dimension of the model's, also if that is larger than 1: then of copies."""
        from cmir.checking.reference import inputs_of

        inner = {one.input for one in self.state}
        shapes = [info.shape for info in inputs_of(self.path) if info.name not in inner]
        ranks = [None if shape is None else len(shape) for shape in shapes]
        batches = [
            [x if x.ndim == rank else x[None] for x, rank in zip(arrays, ranks, strict=True)]
            for arrays in inputs
        ]
        if self.samples == 1:
            return batches
        return [[np.repeat(x, self.samples, axis=0) for x in arrays] for arrays in batches]

    def _first(self, outputs: list[Arrays]) -> list[Arrays]:
        """Return outputs for the first sample of each batch."""
        if self.samples == 1:
            return outputs
        return [[x[:1] for x in arrays] for arrays in outputs]


def input_names(model: Model) -> list[str] | None:
    """Return names for the inputs: those of the ONNX model, the function's arguments, or the pipeline's arrays."""
    from cmir.dialects.nn.carried import input_arguments
    from cmir.dialects.polyhedral import PipelineOp, symbol

    if model.inputs is not None:
        return [*model.inputs]
    match list(model.module.body.block.ops):
        case [FuncOp() as function] if len(function.body.blocks) == 1:
            arguments = input_arguments(function)
            return [a.name_hint or f"input{a.index}" for a in arguments]
        case [PipelineOp() as pipeline]:
            return [symbol(ref) for ref in pipeline.inputs]
        case _:
            return None


def reference_of(
    model: Model,
    source: Path | None = None,
    evaluator: EvaluatorChoice | None = None,
    state: State | None = None,
) -> Reference:
    """Return the reference for a model. Call this function before passes change the module.

    source: the ONNX model or the IR that the model was compiled from, if it is another file. evaluator: onnxruntime for
    ONNX models, NumPy for what is imported from them; None for the rule of `cmir.checking`, and NumPy where that finds
    no result. state: that of another file's ONNX model, if the network has state. Raises CompileError if there is no
    reference.
    """
    path = source or model.path
    if path.suffix in ONNX_SUFFIXES:
        return _onnx(model, path, evaluator, state or State())
    if evaluator == "onnxruntime":
        message = (
            "--check-with onnxruntime needs an ONNX model: run one,"
            " or name the one that the IR was compiled from with --check-against"
        )
        raise CompileError(path, message)
    return reference_of_ir(model) if source is None else _other_ir(model, source)


def _onnx(model: Model, path: Path, evaluator: EvaluatorChoice | None, given: State) -> Reference:
    state: Sequence[ImportedState] = model.state
    lowered = any(op.name == "cmcore.network" for op in model.module.body.block.ops)
    if path == model.path and not lowered:
        module = model.module.clone()  # because passes will change it
        imported = IrReference(path, _network(module, path), model.parameters)

        def load() -> IrReference:
            return imported
    else:
        carries = any(map(has_state, model.module.body.block.ops))
        bound = _bound_inputs(path, given) if carries else ()
        shapes, batch = _model_shapes(path, _inputs(model), bound)
        samples = "split" if batch else "whole"

        @cache
        def read() -> Model:
            return read_model(path, None, shapes, samples, given if carries else State({}, False))

        def load() -> IrReference:
            return IrReference(path, _network(read().module, path), read().parameters)

        if carries:
            state = read().state

    match evaluator:
        case "numpy":
            return load()
        case "onnxruntime":
            return OnnxReference(path, True, load, False, model.samples, state)
        case None:
            return OnnxReference(path, False, load, True, model.samples, state)


def _bound_inputs(path: Path, state: State) -> Collection[str]:
    """Return the inputs of an ONNX model that are state, by what is given and by their names."""
    from cmir.checking.reference import declared_shapes, inputs_of

    names = [info.name for info in inputs_of(path)]
    pairs = pairs_by_name(names, [*declared_shapes(path)]) if state.recognised else ()
    return {*state.given, *(name for name, _ in pairs)}


def reference_of_ir(model: Model) -> Reference:
    """Return the reference for IR: itself, or at the cmcore level the nn IR that it names, as for --verify."""
    from cmir.dialects.cmcore import NetworkOp
    from cmir.proof.values.source import find_source

    match list(model.module.body.block.ops):
        case [NetworkOp() as network]:
            function = find_source(model.context, model.module, network)
            if function is None:
                message = (
                    "--check of IR at the cmcore level needs what the IR was compiled from: an ONNX model, or IR at"
                    " the nn or polyhedral level, named with --check-against"
                )
                raise CompileError(model.path, message)
            _check_types(model, function, model.path)
            return IrReference(model.path, function, model.parameters)
        case _:
            network = _network(model.module.clone(), model.path)  # because passes will change it
            return IrReference(model.path, network, model.parameters)


def _other_ir(model: Model, path: Path) -> Reference:
    """Return the reference that another file of IR is. Without parameters of its own, it has those of the model."""
    read = read_model(path)
    network = _network(read.module, path)
    _check_types(model, network, path)
    own = read.context.parameters is not None
    return IrReference(path, network, read.parameters if own else model.parameters)


def _network(module: ModuleOp, path: Path) -> FuncOp | PipelineOp:
    """Return the one network of a module at the nn or polyhedral level."""
    from cmir.dialects.polyhedral import PipelineOp

    match list(module.body.block.ops):
        case [FuncOp() | PipelineOp() as network]:
            return network
        case ops:
            found = ", ".join(op.name for op in ops) or "nothing"
            message = f"--check needs an ONNX model, or IR with one func.func or polyhedral.pipeline; it has {found}"
            raise CompileError(path, message)


def _inputs(model: Model) -> list[Attribute]:
    """Return the types of the inputs of the model's network, in order."""
    from cmir.dialects.cmcore import NetworkOp
    from cmir.dialects.polyhedral import symbol

    match list(model.module.body.block.ops):
        case [NetworkOp() as network]:
            return [network.arrays[symbol(ref)].type for ref in network.inputs]
        case _:
            return _input_types(_network(model.module, model.path))


def _input_types(network: FuncOp | PipelineOp) -> list[Attribute]:
    from cmir.dialects.nn.carried import input_arguments
    from cmir.dialects.polyhedral import symbol

    if isinstance(network, FuncOp):
        return [argument.type for argument in input_arguments(network)]
    return [network.arrays[symbol(ref)].type for ref in network.inputs]


def _check_types(model: Model, network: FuncOp | PipelineOp, path: Path) -> None:
    """Raise CompileError if the inputs of a network in a file are not those of the model."""
    given, taken = _inputs(model), _input_types(network)
    if given != taken:
        has, needs = (", ".join(map(str, types)) or "none" for types in (taken, given))
        message = (
            f"not what '{model.path}' was compiled from: it has the inputs {has}, and not {needs}"
        )
        raise CompileError(path, message)


def _model_shapes(
    path: Path, types: Sequence[Attribute], bound: Collection[str]
) -> tuple[dict[str, list[int]], bool]:
    """Return the shapes of an ONNX model's inputs, given those of the network that was compiled from it.

    bound: the inputs of the model that are state, and no inputs of the network. The second result is True if the
    model's inputs have a batch dimension in addition. Raises CompileError if the model does not take such inputs.
    """
    from cmir.checking.reference import inputs_of
    from cmir.dialects.element_types import dtype_of

    taken = [info for info in inputs_of(path) if info.name not in bound]
    shapes: dict[str, list[int]] = {}
    batch = False
    for info, type_ in zip(taken, types, strict=False):
        shape = [*cast(TensorType[Attribute], type_).get_shape()]
        larger = info.shape is None or len(info.shape) > len(shape)
        shapes[info.name] = [1, *shape] if larger else shape
        batch = batch or larger
        if info.dtype == dtype_of(type_) and _fits(shapes[info.name], info.shape):
            continue
        message = (
            f"not what the IR was compiled from: input '{info.name}' has elements of type {info.dtype} and the shape"
            f" {_text(info.shape)}, and the network's {dtype_of(type_)} and {shape}"
        )
        raise CompileError(path, message)
    if len(taken) != len(types):
        has = count_of(len(taken), "input")
        message = f"not what the IR was compiled from: it has {has}, and the network {len(types)}"
        raise CompileError(path, message)
    return shapes, batch


def _fits(shape: Sequence[int], declared: Sequence[int | None] | None) -> bool:
    """Return True if a shape is one of those that a model declares. None stands for any size, or any shape."""
    return declared is None or (
        len(shape) == len(declared)
        and all(size in (None, n) for n, size in zip(shape, declared, strict=True))
    )


def _text(shape: Sequence[int | None] | None) -> str:
    if shape is None:
        return "of any size"
    return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"
