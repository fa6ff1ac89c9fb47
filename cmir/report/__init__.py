"""Pictures of runs (a trace, a plot, a timeline in a terminal, a page with all there is to see) and of relations."""
