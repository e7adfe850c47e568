"""What each player plays, and why.

`rounds` asks for the plans of all players, a batch at a time, and takes them back; a `planner`
decides for one player what to plan next, `bars` what sounds in each bar, `stem` and `clips` keep
what it has played; `timeline` puts it where the audio callback finds it. `journal` writes every
decision down, `metrics` counts how well the players keep up. Pure logic but for the timeline: no
thread, no clock.
"""
