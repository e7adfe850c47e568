"""Questions about the network, each answered by measuring: a command, a page, a figure.

`registry.EXPERIMENTS` names them. Each is a module with a `QUESTION` and a function
`run(settings)` that measures and returns a `page.Page`; everything that takes long goes through
`ledger.Ledger` or `arms.measure_arms`, which keep it, so that a run that was killed goes on.
"""
