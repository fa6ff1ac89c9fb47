"""Pipelines of passes: their textual form, options of passes, and the steps that run."""
