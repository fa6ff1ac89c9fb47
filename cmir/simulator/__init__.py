"""Execution of core programs on data."""
