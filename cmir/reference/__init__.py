"""A reference machine for programs at the `cmcore` level, to check the compiler against.

It interprets the text of a network one event at a time: control units are literal automata from reset, each slot of a
buffer is tagged with the element that it holds, and delays are random or adversarial. It shares no code with the
passes, the engine or `cmir.isl`; of the dialects it uses the operations' fields and nothing else.
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
