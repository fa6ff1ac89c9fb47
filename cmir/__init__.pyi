from cmir.hardware.description import Hardware as Hardware
from cmir.hardware.description import presets as presets
from cmir.library.compiling import compile as compile
from cmir.library.loading import load as load
from cmir.library.network import Network as Network
from cmir.library.run import Run as Run
from cmir.library.sweep_table import SweepTable as SweepTable
from cmir.library.sweeping import sweep as sweep
from cmir.support.diagnostics import CompileError as CompileError

__version__: str
