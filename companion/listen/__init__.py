"""What the companion hears: windows of bars, with the cycle in place of bars not yet played.

`hearing` cuts `window`s from the input; `retimed_input` moves them to a steady tempo; `cycle` says
which bar stands in for which, `cycle_finder` after how many bars the music repeats, `cycle_check`
whether it still does.
"""
