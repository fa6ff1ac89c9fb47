"""Start times of iterations: the recurrence, its steady state and periods, and the report of a run."""
