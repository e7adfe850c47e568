"""A take played again, to the sample: `replay` makes its stems once more and compares them.

`replayed` says what came of it, `finish_after` has a plan end at the step at which it ended live.
"""
