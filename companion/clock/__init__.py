"""Musical time: where beats and bars lie in the stream, and who says so.

`transport` is the line of beats, which may be steered but never jumps; `grid` the bars and frames
of one steady tempo, on which stems are planned; `warp` moves sound between the two. The sources:
`internal`, `tap`, `midi_clock`, `link`, `follow`. `midi_out` sends MIDI clock.
"""
