"""Reference machine for programs at the `cmcore` level, an independent check of the compiler.

The machine interprets a network one event at a time: control units are literal automata from reset, each slot of a
buffer is tagged with the element that it holds, and delays are random or adversarial. It shares no code with the
passes, the simulator or `cmir.isl`. From the dialects it uses only the fields of operations.
"""

from cmir.reference.findings import Deadlock, Finding, ProgramFault, Violation
from cmir.reference.machine import ReferenceMachine
from cmir.reference.schedules import Schedule

__all__ = [
    "Deadlock",
    "Finding",
    "ProgramFault",
    "ReferenceMachine",
    "Schedule",
    "Violation",
]
