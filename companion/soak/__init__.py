"""Long runs on the offline clock, with faults at random: what an evening on stage may bring.

`run` plays set after set and checks every take; `faults` says from a seed what goes wrong and when.
"""
