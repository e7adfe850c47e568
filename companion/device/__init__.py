"""The sound device, in a process of its own, and what happens when it is lost.

`supervisor` keeps the memory moving, whatever becomes of the device: `wire` and `child` hold
PortAudio, `handover` goes from the stand-in back to the device in phase. `calibration` and
`round_trip` know how long sound takes around the room.
"""
