"""The view in a terminal, for machines without a browser: what the stage page shows and takes.

`Terminal` is what the command line opens. It tells a child process what the page would be told, and
does what that asks for: the child draws with textual, in a process of its own, so that nothing of
the set waits for it. `told` is what the child knows, `app` what it draws and which keys it takes.
"""
