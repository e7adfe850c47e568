"""Token shards, pairs and the training of the StemGen network."""
