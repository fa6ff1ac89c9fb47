"""Control units as synchronous circuits: token counters, walks over iterations, and what they cost."""
