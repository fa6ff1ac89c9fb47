"""The library: networks compiled and run from Python. `import cmir` gives its names; see docs/library.md."""
