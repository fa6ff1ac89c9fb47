"""Former names of modules, which can be imported for one more release, with a warning."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec

# All else is imported when it is needed: every command imports this before it can handle Ctrl-C.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType
    from typing import Any

_ROOMS = {
    "support": "atomic diagnostics highlighting numerics parameters parsing",
    "semantics": "body elements elementwise vectors",
    "hardware": "chip fields sections topology",
    "cost": "firing tiling traffic",
    "elaboration": "automata program",
    "timing": "periodic recurrence report steady",
    "analysis": "balance buffers capacity copies curve energy footprint inference_costs parts ring size_cover"
    " size_search sizing",
    "simulator": "execution layout memory numbers regular window",
}

MODULES = {
    "cmir.accelerator.constants": "cmir.semantics.weights",
    "cmir.accelerator.cost": "cmir.cost.program_cost",
    "cmir.accelerator.engine": "cmir.simulator.simulator",
    "cmir.accelerator.hardware": "cmir.hardware.description",
    "cmir.accelerator.hardware_attribute": "cmir.hardware.attribute",
    "cmir.accelerator.nest": "cmir.isl.visits",
    "cmir.accelerator.placement": "cmir.placement.problem",
    "cmir.accelerator.placement_bound": "cmir.placement.bound",
    "cmir.accelerator.placement_model": "cmir.placement.model",
    "cmir.accelerator.placement_search": "cmir.placement.search",
    "cmir.accelerator.polyhedral_reference": "cmir.semantics.pipeline",
    "cmir.tools.check": "cmir.execution.judging",
    "cmir.tools.cost_summary": "cmir.report.cost_summary",
    "cmir.tools.guide": "cmir.execution.guide",
    "cmir.tools.model": "cmir.compilation.model",
    "cmir.tools.pass_options": "cmir.pipelines.pass_options",
    "cmir.tools.pass_pipeline": "cmir.pipelines.text",
    "cmir.tools.pass_steps": "cmir.pipelines.steps",
    "cmir.tools.progress": "cmir.support.progress",
    "cmir.tools.proofs": "cmir.compilation.proofs",
    "cmir.tools.reference": "cmir.execution.references",
    "cmir.tools.run_data": "cmir.execution.streams",
    "cmir.tools.schedules": "cmir.execution.schedules",
    "cmir.tools.sequences": "cmir.execution.sequences",
    "cmir.tools.summary": "cmir.report.summary",
    "cmir.tools.sweep": "cmir.sweeps.sweep",
    "cmir.tools.sweep_grid": "cmir.sweeps.grid",
    "cmir.tools.sweep_point": "cmir.sweeps.point",
    "cmir.tools.sweep_table": "cmir.sweeps.table",
    "cmir.tools.workers": "cmir.sweeps.workers",
} | {
    f"cmir.{name}" if room == "support" else f"cmir.accelerator.{name}": f"cmir.{room}.{name}"
    for room, names in _ROOMS.items()
    for name in names.split()
}
"""Current names of modules, by former name."""

NAMES: dict[str, dict[str, str]] = {
    "cmir.accelerator.balance": {"Choice": "ReplicationChoice"},
    "cmir.accelerator.body": {"evaluate": "evaluate_operation"},
    "cmir.accelerator.buffers": {"Buffer": "ReaderBuffer"},
    "cmir.accelerator.curve": {"Point": "CurvePoint"},
    "cmir.accelerator.energy": {"Traffic": "TrafficTotals"},
    "cmir.accelerator.fields": {"number": "real"},
    "cmir.accelerator.firing": {"Step": "FiringStep"},
    "cmir.accelerator.parts": {"Part": "ArrayPart", "parts_of": "array_parts"},
    "cmir.accelerator.periodic": {"Link": "CycleEdge", "TooFastError": "InfeasiblePeriodError"},
    "cmir.accelerator.placement_search": {"Found": "PlacementSolution"},
    "cmir.accelerator.program": {"Access": "CompiledAccess"},
    "cmir.accelerator.regular": {"Regular": "RegularBuffer", "Turn": "RingOrder"},
    "cmir.accelerator.size_cover": {"Choice": "SizeChoice", "Room": "CoreSram"},
    "cmir.accelerator.size_search": {"Found": "SizeSolution"},
    "cmir.accelerator.sizing": {"Whole": "ResidentArray"},
    "cmir.accelerator.traffic": {"Sent": "NetworkTraffic", "sent_in": "traffic_of"},
    "cmir.accelerator.window": {"Window": "StridedWindow"},
}
"""Renamed classes and functions, by former module name: former name to current name."""

_PACKAGE = "cmir.accelerator"
"""A former package, which exists for the imports of its modules only."""


class RenamedModules:
    """A finder and loader of modules under their former names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in MODULES and fullname != _PACKAGE:
            return None
        loader: Any = self
        return ModuleSpec(fullname, loader, is_package=fullname == _PACKAGE)

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python to make the module."""

    def exec_module(self, module: ModuleType) -> None:
        old = module.__name__
        if old == _PACKAGE:
            return
        import warnings

        new = MODULES[old]
        warnings.warn(f"{old} is now {new}", DeprecationWarning, stacklevel=2)
        contents = vars(import_module(new))
        module.__dict__.update(
            {name: value for name, value in contents.items() if not name.startswith("__")}
        )
        for name, now in NAMES.get(old, {}).items():
            module.__dict__[name] = contents[now]


def former_names(module: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a `__getattr__` for a module whose names have changed, from old to new; it warns."""

    def getattr_(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module '{module}' has no attribute '{name}'")
        import warnings

        warnings.warn(f"{module}.{name} is now {names[name]}", DeprecationWarning, stacklevel=2)
        return getattr(import_module(module), names[name])

    return getattr_


def install() -> None:
    """Make modules importable under their former names."""
    sys.meta_path.append(RenamedModules())
