"""Chips: descriptions, topologies, presets, and the attribute that carries a description in the IR."""
