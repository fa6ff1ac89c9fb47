"""cmir: a compiler toolkit for computational-memory accelerators.

```python
import cmir

net = cmir.compile("resnet20.onnx", hardware="hermes", storage="lossless")
run = net.run(images)
run.outputs, run.cycles, run.latency, run.interval, run.energy
```

All names are imported when they are first used, so that `import cmir` takes no time. `__init__.pyi` declares them.
"""

from cmir import renamed

__version__ = "0.2.0.dev0"

_NAMES = {
    "CompileError": "cmir.support.diagnostics",
    "Hardware": "cmir.hardware.description",
    "Network": "cmir.library.network",
    "Run": "cmir.library.run",
    "SweepTable": "cmir.library.sweep_table",
    "compile": "cmir.library.compiling",
    "load": "cmir.library.loading",
    "presets": "cmir.hardware.description",
    "sweep": "cmir.library.sweeping",
}


def __getattr__(name: str) -> object:
    if name not in _NAMES:
        raise AttributeError(f"module 'cmir' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(_NAMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})


renamed.install()
