"""The assignment of cores to places on a chip, with bounds on how good it can be."""
