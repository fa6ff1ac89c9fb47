"""Models read, lowered for a machine, verified and proved."""
