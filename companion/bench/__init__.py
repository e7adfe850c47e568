"""What this machine can do: `companion bench`.

`run` measures, and `measured` is what comes of it; in `rehearsal` plans are asked for as a session
asks for them, `arithmetic` counts them beside the machine's peak, `capacity` says how many players
at which tempo that is enough for, and `report` puts it into lines.
"""
