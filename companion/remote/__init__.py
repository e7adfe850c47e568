"""A generator in another room: what `companion serve` serves, and how a rig speaks with it.

`server` lets rigs in and `orders` makes their plans with one generator. On the rig, `link` carries
what a `Worker` says to a child process over the network instead, and `fallback` has this machine
make the plans while the other is away. `speech` and `frames` are what goes over the network, `key`
and `place` say to whom and where. It knows no bars.
"""
