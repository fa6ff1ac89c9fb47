"""Mathematical morphology for cmir, as an example of a package that extends it."""
