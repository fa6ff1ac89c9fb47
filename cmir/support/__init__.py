"""Utilities for all rooms: errors with locations, parameters, exact numerics, parsing, atomic files."""
