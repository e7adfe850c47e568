"""What the companion hears: bar-aligned windows, and the cycle that stands in for the future."""
