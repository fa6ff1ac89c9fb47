"""The accelerator: its hardware description, and the engine that interprets cmcore programs."""
