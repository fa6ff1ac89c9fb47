"""Pictures of a run: a trace, a plot, a timeline in a terminal, and a page with all there is to see."""
