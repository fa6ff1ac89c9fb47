"""The chip: its description, topology and presets, and the attribute in which a network carries them."""
