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
    """Parameter values; None if the tool was given none."""

    sources: MutableMapping[ModuleOp, ModuleOp] = field(default_factory=WeakKeyDictionary)
    """Copies at the `nn` level of the modules that passes have lowered from there; see `remember_source`."""

    progress: Callable[[str], None] | None = None
    """Callback for the progress of long passes, called with an empty text at their end; None for no reports."""

    reports_levels: bool = False
    """True if passes warn that they find nothing of the level that they work on."""

    def clone(self) -> CmirContext:
        """Return a copy; dialects and parameters that are added to it do not appear in the original."""
        base = super().clone()
        copied = CmirContext()
        for inherited in dataclasses.fields(base):
            setattr(copied, inherited.name, getattr(base, inherited.name))
        copied.parameters = None if self.parameters is None else self.parameters.copy()
        copied.progress, copied.sources = self.progress, self.sources
        copied.reports_levels = self.reports_levels
        return copied


def parameters_of(ctx: Context) -> Parameters | None:
    """Return the model's parameters, or None without `--weights` or in plain xdsl-opt.

    Without parameters, a pass leaves operations that need their values unchanged, or reports them.
    """
    return ctx.parameters if isinstance(ctx, CmirContext) else None


def remember_source(ctx: Context, module: ModuleOp, source: ModuleOp | None = None) -> None:
    """Keep a copy of a module at the `nn` level that is about to be lowered, for comparison with the result.

    source: the copy, by default one that is made now.
    """
    if isinstance(ctx, CmirContext):
        ctx.sources[module] = source or module.clone()


def source_of_module(ctx: Context, module: ModuleOp) -> ModuleOp | None:
    """Return the module at the `nn` level that this module was lowered from, or None if it is unknown."""
    return ctx.sources.get(module) if isinstance(ctx, CmirContext) else None


def report_progress(ctx: Context, text: str) -> None:
    """Report the progress of a pass, if the context has a callback; the text is empty at the end."""
    if isinstance(ctx, CmirContext) and ctx.progress is not None:
        ctx.progress(text)


def make_context() -> CmirContext:
    """Return a context with all installed dialects, each of which is loaded at its first use."""
    ctx = CmirContext()
    for name, factory in installed_universe().all_dialects.items():
        ctx.register_dialect(name, factory)
    return ctx
