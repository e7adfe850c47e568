"""The companion's model: codec, StemGen network, masking, guidance, decoding, checkpoints.

Pure functions and modules on tensors: no threads, no audio devices, no files but checkpoints.
"""
