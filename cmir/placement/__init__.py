"""Assignment of cores to places on a chip, with lower bounds of its cost."""
