"""The live rig: it listens to a performer and plays a fitting stem in time."""
