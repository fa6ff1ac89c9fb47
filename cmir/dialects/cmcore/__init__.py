"""The `cmcore` dialect: programs for the cores of a computational-memory accelerator.

A network holds arrays, programs, and the cores that run them. A program has buffers, crossbars, a loop nest
that fires iterations, the body of one iteration, and the automata of its local control unit (LCU): a *snoop*
for each (buffer, writer) it reads and a *credit* for each (array, reader) it writes to.

The operations on vectors in bodies that upstream dialects lack, such as `cmcore.mxv` and `cmcore.reduce`, carry this
dialect's name and appear at the `polyhedral` level as well. Their classes are in `cmir.dialects.vectors`, below both.
"""

from xdsl.ir import Dialect

from cmir.dialects.cmcore.accesses import LoadOp, StoreOp
from cmir.dialects.cmcore.automata import CreditOp, ReleaseOp, SnoopOp
from cmir.dialects.cmcore.instances import SHARED_RESOURCES, InstanceAttr
from cmir.dialects.cmcore.iteration import IterationOp
from cmir.dialects.cmcore.loops import FireOp, LoopNestOp
from cmir.dialects.cmcore.memory import BufferOp, CrossbarOp
from cmir.dialects.cmcore.network import CoreOp, NetworkOp, ProgramOp
from cmir.dialects.vectors.elementwise import CompareOp, ConvertOp, RemainderOp, SelectOp
from cmir.dialects.vectors.pick import PickOp, PlaceOp
from cmir.dialects.vectors.product import MxvOp
from cmir.dialects.vectors.reductions import ArgReduceOp, ArgTopKOp, ReduceOp

__all__ = [
    "CMCORE",
    "SHARED_RESOURCES",
    "ArgReduceOp",
    "ArgTopKOp",
    "BufferOp",
    "CompareOp",
    "ConvertOp",
    "CoreOp",
    "CreditOp",
    "CrossbarOp",
    "FireOp",
    "InstanceAttr",
    "IterationOp",
    "LoadOp",
    "LoopNestOp",
    "MxvOp",
    "NetworkOp",
    "PickOp",
    "PlaceOp",
    "ProgramOp",
    "ReduceOp",
    "ReleaseOp",
    "RemainderOp",
    "SelectOp",
    "SnoopOp",
    "StoreOp",
]

CMCORE = Dialect(
    "cmcore",
    [
        NetworkOp,
        ProgramOp,
        BufferOp,
        CrossbarOp,
        LoopNestOp,
        FireOp,
        IterationOp,
        SnoopOp,
        CreditOp,
        ReleaseOp,
        LoadOp,
        StoreOp,
        MxvOp,
        ReduceOp,
        ArgReduceOp,
        ArgTopKOp,
        CompareOp,
        SelectOp,
        RemainderOp,
        ConvertOp,
        PickOp,
        PlaceOp,
        CoreOp,
    ],
    [InstanceAttr],
)
