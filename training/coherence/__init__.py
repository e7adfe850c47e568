"""The learned coherence: a small contrastive network that tells which stems belong together."""
