"""Quantities that passes ask for before they decide: footprints, ring sizes, balance, feasibility, energy."""
