"""Recorded stems as token shards: which layout a folder has, what is used of it, the encoding."""
