"""What a set leaves on disk: its audio, its events, and a picture of both.

`take` is one in the making: `recorder` writes the sound and `event_log` the `events`, each in a
thread of its own. `recover` makes a valid take of what a crash left, `export` gives it to a
workstation, `picture` draws it.
"""
