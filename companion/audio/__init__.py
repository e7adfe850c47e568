"""Sound in and out: the shared memory, the compiled callback, the streams, the stem writer."""
