"""The `nn` IR of a compiled network: in the context while passes run, or in a file next to the network.

cmcore.network @main (@a) -> (@c) attributes {cmir.source = {file = "net.nn.mlir", sha256 = "…"}} { … }
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import DictionaryAttr, FileLineColLoc, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation
from xdsl.utils.exceptions import VerifyException

from cmir.context import source_of_module
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.polyhedral import PipelineOp
from cmir.support.diagnostics import CompileError, location_of
from cmir.support.parsing import parse_module

ATTRIBUTE = "cmir.source"

SUFFIX = ".nn.mlir"


def find_source(
    ctx: Context, module: ModuleOp, network: NetworkOp, file: str | None = None
) -> FuncOp | None:
    """Return the function that a network was compiled from, or None if it is unknown.

    The function is looked up in `file`; in the context, if this process compiled the network; in the file next to the
    network that an attribute of the network names; and in NAME.nn.mlir next to NAME.mlir. Raises CompileError if a file
    is missing, does not match the digest in the attribute, or lacks the function.
    """
    if file is not None:
        return _read(ctx, network, Path(file))
    if (remembered := source_of_module(ctx, module)) is not None:
        return _function(remembered, network)
    location = location_of(network)
    if not isinstance(location, FileLineColLoc):
        return None
    beside = Path(location.filename.data)
    if (attribute := network.attributes.get(ATTRIBUTE)) is not None:
        name, digest = _named(attribute, network)
        return _read(ctx, network, beside.parent / name, digest)
    path = beside.with_suffix(SUFFIX)
    return _read(ctx, network, path) if path.is_file() else None


def note_source(module: ModuleOp, name: str, text: str) -> None:
    """Record in an attribute of all networks of a module the file that holds their source IR, with its digest."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    attribute = DictionaryAttr({"file": StringAttr(name), "sha256": StringAttr(digest)})
    for op in module.body.block.ops:
        if isinstance(op, NetworkOp | PipelineOp):
            op.attributes[ATTRIBUTE] = attribute


def _named(attribute: object, network: NetworkOp) -> tuple[str, str]:
    """Return (name of the file, its digest)."""
    match attribute:
        case DictionaryAttr(
            data={"file": StringAttr(data=name), "sha256": StringAttr(data=digest)}
        ):
            return name, digest
        case _:
            message = f'`{ATTRIBUTE}` must be {{file = "…", sha256 = "…"}}, got {attribute}'
            raise CompileError(network, message)


def _read(ctx: Context, network: NetworkOp, path: Path, digest: str | None = None) -> FuncOp:
    name = network.sym_name.data
    try:
        contents = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise CompileError(
            network, f"the source of @{name}, '{path}', cannot be read: {reason}"
        ) from None
    if digest is not None and hashlib.sha256(contents).hexdigest() != digest:
        raise CompileError(
            network,
            f"'{path}' is not the source of @{name}: its SHA-256 is not that in `{ATTRIBUTE}`",
        )
    module = parse_module(contents.decode("utf-8", "replace"), ctx, str(path))
    try:
        module.verify()
    except VerifyException as error:
        raise CompileError(path, str(error)) from None
    return _function(module, network, path)


def _function(module: ModuleOp, network: NetworkOp, path: Path | None = None) -> FuncOp:
    functions: list[FuncOp] = [op for op in module.body.block.ops if _is_network(op)]  # pyright: ignore
    name = network.sym_name.data
    named = [function for function in functions if function.sym_name.data == name]
    if not named:
        raise CompileError(path or network, f"the source has no function @{name}")
    return named[0]


def _is_network(op: Operation) -> bool:
    return isinstance(op, FuncOp) and bool(op.body.blocks)
