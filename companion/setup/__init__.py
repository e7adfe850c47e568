"""Getting a machine ready to play: `companion new` and `companion doctor`.

`questions` asks what a rig is to be, and `rig_file` writes it down as a preset with comments.
`doctor` looks at all that a set will need, a `finding` each: `sound`, `permissions`, `ports`,
`disk` and `weights`; `choice` picks what the machine carries by what `companion bench` says.
"""
