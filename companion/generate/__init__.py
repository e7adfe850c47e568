"""Makes stems: the generator in a process of its own, and how much work a plan may be.

`worker` takes batches and hands back stems, over a `wire` that speaks the `protocol` with `serve`
in the `child`; `inline` does the same where it is called. `effort`, `latency` and `budget` say what
a plan may cost, `warmup` measures it at the start. `generator` is what every generator offers,
`standin` one without a model. It knows no bars.
"""
