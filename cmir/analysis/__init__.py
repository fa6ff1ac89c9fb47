"""Analyses that passes query before they decide: footprints, ring sizes, balance, feasibility, energy."""
