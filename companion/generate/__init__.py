"""From what was heard to a stem: planning, the generator in its own process, fallbacks."""
