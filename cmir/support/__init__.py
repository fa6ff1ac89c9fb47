"""Utilities that every room needs: errors with places, parameters, exact numerics, parsing, atomic files."""
