"""The `polyhedral` dialect: stages with iteration domains, joined by access relations.

A pipeline holds arrays and stages. A stage runs one body for each point of its iteration domain. Relations, never
loops, define the elements that an iteration reads and writes. Passes attach dependences between stages, and the loops
and automata generated from them. This level has no times, buffers or cores.
"""

from xdsl.ir import Dialect

from cmir.dialects.polyhedral.accesses import (
    Number,
    access_problem,
    number_of,
    overlap_problem,
    parse_access_tail,
    print_access_tail,
    verify_element_types,
    verify_pad,
)
from cmir.dialects.polyhedral.arrays import (
    ArrayOp,
    ArraysOp,
    ParameterSource,
    find_array,
    parse_source,
    verify_ends,
    verify_holds_only,
)
from cmir.dialects.polyhedral.matrices import MatrixOp, cells_problem, verify_cells
from cmir.dialects.polyhedral.pipelines import DependenceOp, PipelineOp, StorageOp
from cmir.dialects.polyhedral.relations import (
    RELATION,
    MapAttr,
    SetAttr,
    box,
    core_parameters_problem,
    sample,
)
from cmir.dialects.polyhedral.stages import ReadOp, StageOp, WriteOp
from cmir.dialects.polyhedral.storage import storage_problem, verify_storage
from cmir.dialects.polyhedral.syntax import (
    CORE_DIMS,
    parse_attribute_as,
    parse_controlled,
    parse_iteration,
    print_controlled,
    print_iteration,
    spread_attr,
    verify_takes_cores,
)
from cmir.dialects.symbols import symbol
from cmir.dialects.syntax import (
    parse_attributes,
    parse_block,
    parse_symbol_list,
    print_attributes,
    print_symbol_list,
)

__all__ = [
    "CORE_DIMS",
    "POLYHEDRAL",
    "RELATION",
    "ArrayOp",
    "ArraysOp",
    "DependenceOp",
    "MapAttr",
    "MatrixOp",
    "Number",
    "ParameterSource",
    "PipelineOp",
    "ReadOp",
    "SetAttr",
    "StageOp",
    "StorageOp",
    "WriteOp",
    "access_problem",
    "box",
    "cells_problem",
    "core_parameters_problem",
    "find_array",
    "number_of",
    "overlap_problem",
    "parse_access_tail",
    "parse_attribute_as",
    "parse_attributes",
    "parse_block",
    "parse_controlled",
    "parse_iteration",
    "parse_source",
    "parse_symbol_list",
    "print_access_tail",
    "print_attributes",
    "print_controlled",
    "print_iteration",
    "print_symbol_list",
    "sample",
    "spread_attr",
    "storage_problem",
    "symbol",
    "verify_cells",
    "verify_element_types",
    "verify_ends",
    "verify_holds_only",
    "verify_pad",
    "verify_storage",
    "verify_takes_cores",
]

POLYHEDRAL = Dialect(
    "polyhedral",
    [ArrayOp, PipelineOp, StageOp, ReadOp, MatrixOp, WriteOp, StorageOp, DependenceOp],
    [MapAttr, SetAttr],
)
