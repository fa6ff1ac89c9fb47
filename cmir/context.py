"""State that passes share besides the IR: the known dialects, and the model's parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from cmir.extensions import installed_universe
from cmir.support.parameters import Parameters


@dataclass
class CmirContext(Context):
    """A context that also holds the values of the parameters that the IR names."""

    parameters: Parameters | None = None
    """None when the tool was given no values."""

    sources: MutableMapping[ModuleOp, ModuleOp] = field(default_factory=WeakKeyDictionary)
    """For modules that passes have lowered from the `nn` level, what they were there: see `remember_source`."""

    progress: Callable[[str], None] | None = None
    """Told by passes that take long how far they have come, and nothing at the end; None where nobody wants to know."""

    def clone(self) -> CmirContext:
        """Return a copy; dialects and parameters that are added to it are not seen in the original."""
        base = super().clone()
        copied = CmirContext()
        for inherited in dataclasses.fields(base):
            setattr(copied, inherited.name, getattr(base, inherited.name))
        copied.parameters = None if self.parameters is None else self.parameters.copy()
        copied.progress, copied.sources = self.progress, self.sources
        return copied


def parameters_of(ctx: Context) -> Parameters | None:
    """
    Return the model's parameters, or None where there are none: no `--weights` were given, or the tool is
    plain xdsl-opt. A pass then leaves alone what it would need values for, or says so.
    """
    return ctx.parameters if isinstance(ctx, CmirContext) else None


def remember_source(ctx: Context, module: ModuleOp) -> None:
    """Keep a copy of a module at the `nn` level that is about to be lowered, to compare the result with."""
    if isinstance(ctx, CmirContext):
        ctx.sources[module] = module.clone()


def source_of_module(ctx: Context, module: ModuleOp) -> ModuleOp | None:
    """Return the module at the `nn` level that this one was lowered from, or None if that is not known."""
    return ctx.sources.get(module) if isinstance(ctx, CmirContext) else None


def report_progress(ctx: Context, text: str) -> None:
    """Tell whoever wants to know how far a pass has come; an empty text when it is done."""
    if isinstance(ctx, CmirContext) and ctx.progress is not None:
        ctx.progress(text)


def make_context() -> CmirContext:
    """Return a context that knows all installed dialects; each is loaded when it is first used."""
    ctx = CmirContext()
    for name, factory in installed_universe().all_dialects.items():
        ctx.register_dialect(name, factory)
    return ctx
