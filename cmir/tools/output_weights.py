"""The parameter files of IR that a tool writes: each module names them, and only parameters of no file are written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from cmir.support.diagnostics import CompileError, emit
from cmir.support.parameter_files import SUFFIX, name_files, relative_name, strings_of
from cmir.support.parameters import Parameters
from cmir.tools.files import check_outputs, file_path


class OutputWeights:
    """Parameters of the modules of one output.

    output: the file of the IR; None for standard output, from which files are relative to the working folder.
    weights: the file for all parameters. By default, a module goes on naming the files that its parameters come from.
    NAME.safetensors next to NAME.mlir takes those that passes have changed, and those from files outside of its folder.
    """

    def __init__(self, tool: str, output: Path | None, weights: Path | None):
        self._tool, self._weights = tool, weights
        self._discards = output is not None and os.path.abspath(output) == os.devnull
        special = output is not None and os.path.exists(output) and not os.path.isfile(output)
        self._output = output
        self._own = None if output is None or special else file_path(output).with_suffix(SUFFIX)
        self._folder = Path() if self._own is None else self._own.parent
        self._written = Parameters()
        self._sources: set[Path] = set()
        self._told: set[str] = set()

    def name_files(self, module: ModuleOp, parameters: Parameters | None) -> None:
        """Let a module that is about to be printed name the files of its parameters, and keep those to write.

        Raises CompileError if standard output would lose parameters that passes have changed.
        """
        if parameters is None:
            return
        self._sources |= {*parameters.sources}
        if self._weights is not None:
            self._keep(parameters, parameters)
            found = self._names_of([self._weights]) if parameters else []
            if parameters and not found and not self._discards:
                self._tell_of_file(f"'{self._weights}'")
            name_files(module, found)
            return
        strings = strings_of(module)
        names = [name for name in parameters if name in strings]
        files = {parameters.files[name] for name in names if name in parameters.files}
        found = self._names_of(file for file in parameters.sources if file in files)
        reachable = {file for file in files if relative_name(file, self._folder) is not None}
        others = [name for name in names if parameters.files.get(name) not in reachable]
        if self._own is None:
            self._check_loss(parameters, others)
        elif others:
            self._keep(parameters, others)
            self._tell_of_copies(files - reachable, self._own)
            found.append(self._own.name)
        name_files(module, found)

    def write(self, temporary_for: Callable[[Path], Path]) -> None:
        """Write the parameters that need a file. Raises CompileError if an output would overwrite one that was read."""
        file = self._weights or (self._own if self._written else None)
        check_outputs(self._sources, [self._output, file])
        if file is not None:
            self._written.save(temporary_for(file))

    def _names_of(self, files: Iterable[Path]) -> list[str]:
        return [name for file in files if (name := relative_name(file, self._folder)) is not None]

    def _keep(self, parameters: Parameters, names: Iterable[str]) -> None:
        for name in names:
            value = parameters[name]
            if self._written.setdefault(name, value) is not value:
                message = (
                    f"two parts of the input have a parameter '{name}' each: give each part a file"
                )
                raise CompileError(self._tool, message)

    def _check_loss(self, parameters: Parameters, names: Sequence[str]) -> None:
        """Refuse, or tell, that standard output does not say where some parameters are."""
        if not names or self._discards:
            return
        if changed := parameters.changed.intersection(names):
            message = f"passes have changed parameter '{min(changed)}', and standard output holds IR alone"
            raise CompileError(self._tool, f"{message}; give --output-weights FILE, or -o FILE")
        places = {f"'{parameters.files[name]}'" for name in names if name in parameters.files}
        what = ", ".join(sorted(places)) or "the reproducer"
        self._tell_of_file(what)

    def _tell_of_file(self, what: str) -> None:
        self._tell(f"the output does not name the file of its parameters, {what}; see --weights")

    def _tell_of_copies(self, files: Iterable[Path], to: Path) -> None:
        if names := ", ".join(sorted(f"'{file}'" for file in files)):
            self._tell(f"'{to}' has copies of parameters from {names}, outside of its folder")

    def _tell(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            emit("note", self._tool, message)
