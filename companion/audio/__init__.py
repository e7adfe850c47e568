"""The sound of the rig as one stretch of memory, and the compiled callback that moves it.

`memory` has the rings: what came in, what each voice is going to play, what it did play. `callback`
is the only code of the audio thread (with `bridge`, where rates differ; `machine` compiles both,
`lease` lets one stream at a time move the memory). `writer` places clips ahead of it;
`aligned_input` and `echo` are the input as the performer meant it; `offline` and `timebase` run the
same without a sound card, as fast as it goes. `recording` reads files.
"""
