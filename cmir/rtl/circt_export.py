"""Export of `hw`, `comb` and `seq` as SystemVerilog by CIRCT, if the extra `circt` is installed.

CIRCT reads the circuits as xDSL prints them, in pretty form. It refuses xDSL's generic form for three reasons: what
xDSL keeps as properties of `hw.module` and `hw.constant` are attributes there; arguments of a module's block must have
the locations of its ports; and `hw.instance` must have the attribute `parameters`, which xDSL's has not.
"""

from __future__ import annotations

from importlib import import_module
from io import StringIO

from xdsl.dialects.builtin import ModuleOp
from xdsl.printer import Printer

from cmir.support.diagnostics import CompileError

_OPTIONS = "disallowLocalVariables,disallowPackedArrays,locationInfoStyle=none"
"""What Icarus Verilog needs."""

_PASSES = "builtin.module(lower-seq-to-sv,hw.module(prettify-verilog))"


def circt_verilog(module: ModuleOp) -> str:
    """Return the modules of a circuit as SystemVerilog, by CIRCT's exporter.

    Raises CompileError without CIRCT, and with its message if it refuses the circuit.
    """
    try:
        circt, ir, passmanager = map(import_module, ("circt", "circt.ir", "circt.passmanager"))
    except ImportError:
        raise CompileError(
            module, "there is no CIRCT to export with: install the extra `circt` of cmir"
        ) from None
    text = StringIO()
    Printer(text).print_op(module)
    with ir.Context() as context:
        circt.register_dialects(context)
        try:
            read = ir.Module.parse(text.getvalue())
            read.operation.attributes["circt.loweringOptions"] = ir.StringAttr.get(_OPTIONS)
            passmanager.PassManager.parse(_PASSES).run(read.operation)
        except ir.MLIRError as error:
            said = str(error).strip().splitlines()
            raise CompileError(module, f"CIRCT refuses the circuit: {said[-1]}") from None
        exported = StringIO()
        circt.export_verilog(read, exported)
    return exported.getvalue()
