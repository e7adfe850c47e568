"""The listening test: do people hear that a stem fits the mix?

`make` makes a study of a folder of recordings (`contexts`): each of them mixed with the stems of
every condition (`conditions`, `stems`), equally loud (`loudness`), under names that tell nothing.
`study` is what lies in its folder, `design` which of it a listener hears and in which order.
`server` gives the page (`page/`) to many listeners, as `site` has it, and keeps their answers
(`answers`); `analysis` counts them (`statistics`), and `report` writes what came of it.
"""
