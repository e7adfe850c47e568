"""The page that a performer looks at, served while a jam runs.

`Stage` is what the command line opens and gives the session to: it looks at the session from the
session's own thread, serves the page and a WebSocket from a thread of its own, and turns knobs as
the page says. What the extra `stage` installs is imported by `server` and `code` alone.
"""
