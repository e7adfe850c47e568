"""Musical time: stream samples, beats and bars, and waiting for them."""
