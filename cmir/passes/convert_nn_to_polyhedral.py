"""convert-nn-to-polyhedral: convert outlined stages to iteration domains, access relations and bodies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import islpy as isl
import numpy as np
from xdsl.builder import Builder
from xdsl.context import Context
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    IntegerType,
    Signedness,
    StringAttr,
    SymbolRefAttr,
    TensorType,
    VectorType,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from cmir.context import parameters_of
from cmir.dialects.nn.body import splat
from cmir.dialects.nn.carried import carried_pairs, input_arguments, output_indices
from cmir.dialects.nn.interface import Access, Cells, IterationOp, LayoutOp, PointwiseOp
from cmir.dialects.nn.parameter import ParameterOp
from cmir.dialects.nn.promises import checked_results
from cmir.dialects.nn.relations import box_set, element_box
from cmir.dialects.nn.stage import ScanOp, StageOp, YieldOp
from cmir.dialects.nn.views import (
    PadConflictError,
    Read,
    View,
    compose,
    read_through,
    written_as,
)
from cmir.dialects.nn.widening import reads_behind
from cmir.dialects.polyhedral import (
    ArrayOp,
    MapAttr,
    MatrixOp,
    ParameterSource,
    PipelineOp,
    ReadOp,
    SetAttr,
    WriteOp,
)
from cmir.dialects.polyhedral import StageOp as PolyhedralStageOp
from cmir.isl import dim_names
from cmir.isl.inferences import in_each_inference, in_own_inference, inferences_back
from cmir.isl.unions import coalesced
from cmir.passes.base import FunctionPass
from cmir.passes.histories import NoHistoryError, histories_of, initial_values
from cmir.passes.rewriting import index_block
from cmir.passes.scopes import Scope, StepScope, unnamed
from cmir.support.diagnostics import CompileError
from cmir.support.naming import UniqueNames, suffixed
from cmir.support.parameters import Parameters
from cmir.support.statistics import tally


@dataclass(frozen=True)
class ConvertNnToPolyhedralPass(FunctionPass):
    """Convert each function of outlined stages into a pipeline of polyhedral stages over arrays.

    Operators define the accesses and the body of an iteration. The pass composes layout operators between stages into
    the access relations of their readers. A stage of point-wise operators gets iterations that match those of the
    stages that it reads. Requires nn-outline-stages.
    """

    name = "convert-nn-to-polyhedral"

    def apply_to(self, ctx: Context, function: FuncOp) -> None:
        pipeline = _Converter(function, parameters_of(ctx)).convert()
        tally("stages", len(pipeline.stages))
        tally("arrays", len(pipeline.arrays))
        Rewriter.replace_op(function, pipeline, safe_erase=False)


_ISL_WORDS = {
    *("and", "or", "not", "exists", "mod", "floor", "ceil", "min", "max", "true", "false"),
    *("implies", "infty", "NaN", "all", "rat"),
}


def _identifier(wish: str) -> str:
    """Return a name like `wish` that is valid for both MLIR symbols and ISL tuples."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", wish)
    return f"_{name}" if not name or name[0].isdigit() or name in _ISL_WORDS else name


class _Converter:
    """Conversion of one function. parameters: for initial values, which may need another layout."""

    def __init__(self, function: FuncOp, parameters: Parameters | None):
        self.function = function
        self.parameters = parameters
        self.symbols = UniqueNames(form=suffixed("_"))
        self.array_of: dict[SSAValue, str] = {}
        self.layout_of: dict[SSAValue, isl.Map] = {}
        """Map from elements to locations in the array, for values whose layout in the array differs."""
        self.views = Scope.views_of(function.body.block)
        self.pairs = carried_pairs(function)
        try:
            self.histories = histories_of(function, self.views)
        except NoHistoryError as error:
            what = f"cannot be read by later inferences: {error}"
            raise CompileError(
                function.body.block.last_op,
                f"carried result {error.pair.result} {what}: run nn-outline-stages first",
            ) from None
        self.scope = Scope(function.body.block, self.histories, self.views)
        self.constants: dict[tuple[ParameterSource, Attribute], str] = {}
        self.arrays: list[ArrayOp] = []
        self.stages: list[PolyhedralStageOp] = []

    def _symbol(self, wish: str) -> str:
        return self.symbols.take(_identifier(wish))

    def convert(self) -> PipelineOp:
        block = self.function.body.block
        stages = [op for op in self.function.walk() if isinstance(op, StageOp)]
        self.stage_names = {op: self._symbol(op.sym_name.data) for op in stages}
        inputs = input_arguments(self.function)
        for argument in inputs:
            name = self._symbol(argument.name_hint or f"input{argument.index}")
            self._declare(name, argument, self.function)
        terminator = block.last_op
        assert isinstance(terminator, ReturnOp)
        returned = [terminator.operands[index] for index in output_indices(self.function)]
        for index, value in enumerate(returned):
            if isinstance(value.owner, LayoutOp):
                self._output_layout(value, index, terminator)
        for history in self.histories.values():
            for value in history:  # stages may read them before the stage that computes them
                if isinstance(value.owner, StageOp | ScanOp):
                    self._declare_result(value.owner, value)
        self._block(block, self.scope)
        outputs: list[str] = []
        for value in returned:
            if value not in self.array_of or not isinstance(
                value.owner, StageOp | ScanOp | LayoutOp
            ):
                raise _not_computed(terminator)
            outputs.append(self.array_of[value])
        self._declare_initial()
        pipeline = PipelineOp(
            self.function.sym_name.data,
            [self.array_of[argument] for argument in inputs],
            outputs,
            [*self.arrays, *self.stages],
        )
        pipeline.location = self.function.location
        return pipeline

    def _output_layout(self, value: SSAValue, index: int, terminator: ReturnOp) -> None:
        """Let the stages that compute the elements of an output write the output itself."""
        name = self._symbol(value.name_hint or f"output{index}")
        self._declare(name, value, terminator)
        view = self.views.of(value)
        if not written_as(view):
            raise _not_computed(terminator)
        for base, relation in view.sources.items():
            if not isinstance(base.owner, StageOp | ScanOp) or base in self.array_of:
                raise _not_computed(terminator)
            self.array_of[base] = name
            self.layout_of[base] = unnamed(relation.reverse())

    def _declare(
        self, name: str, value: SSAValue, where: Operation, steps: Sequence[int] = ()
    ) -> None:
        """Declare the array of a value. steps: the sizes of dimensions in front of its own."""
        assert isinstance(value.type, TensorType)
        type = TensorType(value.type.element_type, (*steps, *value.type.get_shape()))
        array = ArrayOp(name, type)
        array.location = where.location
        self.arrays.append(array)
        self.array_of[value] = name

    def constant(
        self, source: ParameterSource, type: Attribute, wish: str, where: Operation
    ) -> str:
        """Return the array that holds a parameter. Uses of the same parameter share the array."""
        key = (source, type)
        if key not in self.constants:
            assert isinstance(type, TensorType)
            name = self._symbol(wish)
            array = ArrayOp(name, type, source)
            array.location = where.location
            self.arrays.append(array)
            self.constants[key] = name
        return self.constants[key]

    def _block(self, block: Block, scope: Scope) -> None:
        """Convert the stages of a block, and of the scans in it."""
        for op in block.ops:
            match op:
                case StageOp():
                    for result in op.outputs:
                        if not isinstance(scope, StepScope) or scope.is_local(result):
                            self._declare_result(op, result, scope.steps)
                    self.stages.append(_StageBuilder(self, op, scope).build())
                case ScanOp():
                    for result in op.outputs:
                        if not isinstance(scope, StepScope) or scope.is_local(result):
                            self._declare_result(op, result, scope.steps)
                    self._block(op.body.block, StepScope(scope, op))
                case LayoutOp() | ParameterOp() | ReturnOp() | YieldOp():
                    pass
                case _:
                    raise CompileError(
                        op, f"{op.name} is not part of a stage: run nn-outline-stages first"
                    )

    def _declare_result(
        self, op: StageOp | ScanOp, result: SSAValue, steps: Sequence[int] = ()
    ) -> None:
        """Declare the array of a result, unless it is declared already."""
        if result not in self.array_of:
            index = op.outputs.index(result)
            name = self.stage_names[op] if isinstance(op, StageOp) else "scan"
            default = f"{name}_out{index if index else ''}"
            self._declare(self._symbol(result.name_hint or default), result, op, steps)

    def placed(self, relation: isl.Map, value: SSAValue) -> isl.Map:
        """Convert a relation to elements of `value` to a relation to their locations in the array."""
        layout = self.layout_of.get(value)
        return relation if layout is None else relation.apply_range(layout)

    def earlier(self, base: SSAValue) -> Mapping[SSAValue, isl.Map]:
        """Return `{ [element] -> [m, location] }` for each value that elements of `base` are in some inference."""
        return {
            value: self._placed_before(relation, value)
            for value, relation in self.histories[base].items()
        }

    def _placed_before(self, relation: isl.Map, value: SSAValue) -> isl.Map:
        """Like `placed`, for a relation to elements `[m, element]` of several inferences."""
        layout = self.layout_of.get(value)
        return relation if layout is None else relation.apply_range(in_each_inference(layout))

    def _declare_initial(self) -> None:
        """Give the arrays that are read across inferences their initial values, for as many as are read."""
        back: dict[str, int] = {}
        for stage in self.stages:
            for read in stage.reads():
                for name, access in read.arrays_and_maps() if read.across is not None else ():
                    back[name] = max(back.get(name, 0), inferences_back(access.relation))
        for array in list(self.arrays):
            if not (count := back.get(array.sym_name.data)):
                continue
            parts = [
                (pair, relation)
                for pair in self.pairs
                for value, relation in self.earlier(pair.argument).items()
                if self.array_of[value] == array.sym_name.data
            ]
            type = TensorType(array.type.element_type, (count, *array.shape))
            values = initial_values(type, parts, self.parameters)
            array.properties["initial"] = SymbolRefAttr(self._initial(array, type, values))

    def _initial(
        self,
        array: ArrayOp,
        type: TensorType[Attribute],
        values: DenseIntOrFPElementsAttr | np.ndarray,
    ) -> str:
        """Declare the initial values of an array, and return the name of their array."""
        name = f"{array.sym_name.data}_initial"
        if isinstance(values, DenseIntOrFPElementsAttr):
            return self.constant(values, type, name, array)
        assert self.parameters is not None  # they hold some of the values
        key = UniqueNames(self.parameters).take(name)
        self.parameters[key] = values
        return self.constant(StringAttr(key), type, name, array)


class _StageBuilder:
    """Builder of the polyhedral form of one stage."""

    def __init__(self, converter: _Converter, stage: StageOp, scope: Scope):
        self.converter, self.stage, self.scope = converter, stage, scope
        self.name = name = converter.stage_names[stage]
        body = [op for op in stage.body.block.ops if isinstance(op, IterationOp)]
        if (root := stage.root) is None:
            raise CompileError(stage, f"stage @{name} contains no computation")
        self.ops = body
        self.root = root
        self.iterations = scope.granularity.of(stage)
        self.domain, self.write = self.iterations.domain, self.iterations.write
        self.points = scope.iterations(self.domain)
        rank = self.points.dim(isl.dim_type.set)
        names = [self.points.get_dim_name(isl.dim_type.set, d) for d in range(rank)]
        self.block = index_block(names)
        self.builder = Builder(InsertPoint.at_end(self.block))
        self.values: dict[SSAValue, SSAValue] = {}
        self.before = self._before_root()

    def build(self) -> PolyhedralStageOp:
        for op in self.ops:
            self._operator(op)
        for value, result in zip(self.stage.terminator.values, self.stage.outputs, strict=True):
            if value not in self.values:
                raise CompileError(
                    self.stage.terminator,
                    f"stage @{self.name} yields a value that no operator in it computes",
                )
            ((held, access),) = self.scope.values(result, self.write.relation)
            array = self.converter.array_of[held]
            relation = self._named(self.converter.placed(access, held), array)
            write = WriteOp(self.values[value], array, MapAttr.of(relation))
            write.location = self._origin(value).location
            self.builder.insert(write)
        stage = PolyhedralStageOp(
            SetAttr.of(self.points.set_tuple_name(self.name)), Region(self.block)
        )
        stage.location = self.stage.location
        return stage

    def _before_root(self) -> dict[Operation, Sequence[Access]]:
        """Return the reads of the operators that compute, lane by lane, what other operators of the stage read.

        They are those before the root, and those whose result other operators broadcast. Raises CompileError.
        """
        found: dict[Operation, Sequence[Access]] = {}
        shape = self.root.result_shape
        readers: list[tuple[IterationOp, Sequence[Access | Cells]]] = [
            (op, self.iterations.reads(op))
            for op in self.ops
            if isinstance(op, PointwiseOp) and op is not self.root and op.result_shape == shape
        ]
        readers.append((self.root, self.iterations.reads(self.root)))
        while readers:
            reader, accesses = readers.pop()
            every = reader is self.root or reader in found
            for operand, access in zip(reader.operands, accesses, strict=False):
                op = operand.owner
                if isinstance(op, IterationOp) and (every or op.result_shape != shape):
                    found[op] = self._reads_before(op, reader, access)
                    readers.append((op, found[op]))
        return found

    def _reads_before(
        self, op: IterationOp, reader: IterationOp, access: Access | Cells
    ) -> Sequence[Access]:
        """Return the reads of an operator that computes what `reader` would read by `access`. Raises CompileError."""
        if not isinstance(op, PointwiseOp) or isinstance(access, Cells):
            raise CompileError(op, f"{op.name} cannot precede {reader.name} in a stage")
        if not op.results[0].has_one_use():
            raise CompileError(
                op, f"the result of {op.name}, which precedes {reader.name}, must have no other use"
            )
        reads = reads_behind(op, access, self.domain)
        if reads is None:
            raise CompileError(
                op,
                f"{op.name} cannot precede {reader.name}: it computes no {access.pad} as padding",
            )
        return reads

    def _operator(self, op: IterationOp) -> None:
        follows = isinstance(op, PointwiseOp) and op.result_shape == self.root.result_shape
        if op is not self.root and op not in self.before and not follows:
            raise CompileError(op, f"{op.name} cannot follow {self.root.name} in a stage")
        accesses = self.before[op] if op in self.before else self.iterations.reads(op)
        first = self.block.last_op
        arguments = [
            self._value(op, access, op.operands[i] if i < len(op.operands) else None)
            for i, access in enumerate(accesses)
            if i >= len(op.operands) or op.needs(i)
        ]
        results = checked_results(op, op.build_results(self.builder, arguments))
        for built, result in zip(results, op.results, strict=True):
            if built.name_hint is None:
                built.name_hint = result.name_hint
            self.values[result] = built
        self._locate(first, op)

    def _locate(self, last: Operation | None, origin: Operation) -> None:
        """Set the location of the operations built after `last` to that of their operator."""
        built = self.block.first_op if last is None else last.next_op
        while built is not None:
            built.location = origin.location
            built = built.next_op

    def _value(self, op: IterationOp, access: Access | Cells, operand: SSAValue | None) -> SSAValue:
        """Return the value that the body receives for one entry of `reads()`."""
        if operand is not None and operand in self.values:
            return self.values[operand]
        if operand is None:
            assert isinstance(access, Access)
            if access.own is not None:
                return self._read(op, access, Read({}, access.pad))
            constant = access.constant
            if constant is None:
                type = VectorType(_element_type(op.results[0].type), access.lanes)
                return splat(self.builder, access.pad, type)
            array = self.converter.constant(constant, constant.type, "constant", op)
            relation = self._named(self.scope.in_steps(access.relation), array)
            type = VectorType(_element_type(constant), access.lanes)
            read = ReadOp([(array, MapAttr.of(relation))], type, access.pad)
            return self.builder.insert(read).result
        if isinstance(op, PointwiseOp) and (number := _number_of(operand)) is not None:
            # A value that is the same in all lanes needs no memory.
            assert isinstance(access, Access) and isinstance(operand.type, TensorType)
            type = VectorType(operand.type.element_type, access.lanes)
            return splat(self.builder, number, type)
        try:
            view = self.scope.views.of(operand)
            if isinstance(access, Cells):
                return self._matrix(op, access, view)
            through = read_through(access, self.domain, view)
        except PadConflictError as conflict:
            raise CompileError(
                op, f"{conflict}: run nn-outline-stages, which inserts a copy"
            ) from None
        value = self._read(op, access, through)
        value.name_hint = operand.name_hint
        return value

    def _array(self, base: SSAValue, op: IterationOp) -> str:
        owner = base.owner
        if isinstance(owner, ParameterOp):
            wish = base.name_hint or "parameter"
            return self.converter.constant(owner.source, owner.result.type, wish, owner)
        if base in self.converter.array_of:
            return self.converter.array_of[base]
        raise CompileError(op, f"no stage computes an operand of {op.name}")

    def _read(self, op: IterationOp, access: Access, read: Read) -> SSAValue:
        sources = [*read.sources.items()]
        if access.own is not None:
            sources.append((self._own(op, access.own.result), access.own.relation))
        parts = [part for base, relation in sources for part in self.scope.values(base, relation)]
        across = any(base in self.converter.histories for base, _ in parts)
        found: dict[str, isl.Map] = {}
        for base, relation in parts:
            for array, access_ in self._found(op, base, relation, across):
                found[array] = found[array].union(access_) if array in found else access_
        (element_type,) = {_element_type(base.type) for base, _ in parts}
        maps = [(name, MapAttr.of(self._named(r, name))) for name, r in found.items()]
        type = VectorType(element_type, access.lanes)
        return self.builder.insert(ReadOp(maps, type, read.pad, across)).result

    def _found(
        self, op: IterationOp, base: SSAValue, relation: isl.Map, across: bool
    ) -> Iterator[tuple[str, isl.Map]]:
        """Yield the arrays that hold elements of `base`, with the accesses to them.

        across: locations have the inference as their first coordinate. Carried arguments have no arrays: their elements
        are in those of earlier inferences.
        """
        if base not in self.converter.histories:
            array = self._array(base, op)
            found = self.converter.placed(relation, base).set_tuple_name(isl.dim_type.out, array)
            yield array, in_own_inference(found) if across else found
            return
        for value, found in compose(relation, self.converter.earlier(base)).items():
            array = self._array(value, op)
            found = found.set_tuple_name(isl.dim_type.out, array)
            yield array, found.set_dim_name(isl.dim_type.out, 0, "m")

    def _own(self, op: IterationOp, index: int) -> SSAValue:
        """Return the result of the stage that an operator reads itself. Raises CompileError if memory lacks it."""
        yielded = list(self.stage.terminator.values)
        if op.results[index] not in yielded:
            raise CompileError(
                op, f"{op.name} reads its own result, which stage @{self.name} must yield"
            )
        result = self.stage.outputs[yielded.index(op.results[index])]
        layout = self.converter.layout_of.get(result)
        if layout is not None and not box_set(element_box(op.result_shape)).is_subset(
            layout.domain()
        ):
            raise CompileError(
                op,
                f"{op.name} reads its own result, of which an output holds a part: run"
                " nn-outline-stages, which inserts a copy",
            )
        return result

    def _matrix(self, op: IterationOp, cells: Cells, view: View) -> SSAValue:
        if not all(isinstance(base.owner, ParameterOp) for base in view.sources):
            raise CompileError(op, f"the weight of {op.name} must be a parameter")
        if view.pad is not None or len(view.sources) > 1:
            raise CompileError(
                op,
                "a matrix on crossbars must have all its elements from one parameter:"
                " fold padding and concatenation into the weights",
            )
        ((base, elements),) = view.sources.items()
        array = self._array(base, op)
        relation = cells.relation.apply_range(elements)
        for dim in range(relation.dim(isl.dim_type.in_)):
            if name := cells.relation.get_dim_name(isl.dim_type.in_, dim):
                relation = relation.set_dim_name(isl.dim_type.in_, dim, name)
        relation = relation.set_tuple_name(isl.dim_type.in_, "cell")
        relation = relation.set_tuple_name(isl.dim_type.out, array)
        type = TensorType(_element_type(base.type), cells.shape)
        matrix = self.builder.insert(MatrixOp(array, MapAttr.of(relation), type))
        matrix.result.name_hint = base.name_hint
        return matrix.result

    def _named(self, relation: isl.Map, array: str) -> isl.Map:
        """Return `{ [[h, w] -> [c]] -> [c, h, w] }` with the names of the stage, its dimensions, and the array."""
        pair = relation.domain().unwrap()
        names = _dim_names(self.points, relation)
        iteration = isl.Map.identity(pair.domain().get_space().map_from_set())
        lane = isl.Map.identity(pair.range().get_space().map_from_set())
        naming = iteration.set_tuple_name(isl.dim_type.out, self.name).product(
            lane.set_tuple_name(isl.dim_type.out, "lane")
        )
        result = relation.apply_domain(naming).set_tuple_name(isl.dim_type.out, array)
        for dim, name in enumerate(names):
            result = result.set_dim_name(isl.dim_type.in_, dim, name)
        return coalesced(result)

    def _origin(self, value: SSAValue) -> Operation:
        owner = value.owner
        return owner if isinstance(owner, Operation) else self.stage


def _dim_names(domain: isl.Set, relation: isl.Map) -> Sequence[str]:
    """Return names for iteration and lane dimensions: the domain's, then the relation's or l0, l1, …."""
    iterations = domain.dim(isl.dim_type.set)
    names = UniqueNames(form=suffixed("_"))
    found = [names.take(name) for name in dim_names(domain)]
    for dim in range(iterations, relation.dim(isl.dim_type.in_)):
        name = relation.get_dim_name(isl.dim_type.in_, dim) or f"l{dim - iterations}"
        found.append(names.take(name))
    return found


def _number_of(value: SSAValue) -> float | None:
    """Return the number that all elements of an inline parameter equal, or None.

    None, too, for unsigned integers: MLIR has no constants of them.
    """
    if not isinstance(value.owner, ParameterOp):
        return None
    source = value.owner.source
    if not isinstance(source, DenseIntOrFPElementsAttr) or not source.is_splat():
        return None
    element = source.get_element_type()
    if isinstance(element, IntegerType) and element.signedness.data != Signedness.SIGNLESS:
        return None
    number = next(iter(source.iter_values()))
    return number if isinstance(number, int | float) else None


def _element_type(array: Attribute) -> Attribute:
    """Return the element type of a tensor type, or of inline elements."""
    type = array.type if isinstance(array, DenseIntOrFPElementsAttr) else array
    assert isinstance(type, TensorType)
    return type.element_type


def _not_computed(terminator: ReturnOp) -> CompileError:
    return CompileError(terminator, "no stage computes an output: run nn-outline-stages first")
