"""What is typed and what is printed: the commands, the status lines, and nobody else prints.

`app` has the commands for the stage (jam, render, devices, calibrate, find-cycle...), `takes` those
for takes and long runs. `status_view` draws what a terminal shows while the companion plays,
`typed` reads paths and numbers.
"""
