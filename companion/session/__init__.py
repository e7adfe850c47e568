"""Where the rooms meet: one set from the first count to the last bar.

`jam` and `render` open what a preset asks for and run a `session`, which looks at everything every
10 ms. `rig` is what it plays on; `conductor` decides who leads the tempo; `ear` finds the cycle;
`outage` goes on without a device; `trouble` is the ledger of what went wrong; `report` and
`osc_feed` tell how it goes; `resume` goes on with a set that was cut off.
"""
