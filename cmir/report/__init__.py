"""Pictures of runs (trace, plot, timeline in a terminal, HTML page) and of relations."""
