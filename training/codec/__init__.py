"""Training and measuring the bundled codec."""
