"""What every room needs of the computer it runs on.

`errors`: the one error a user can do something about. `ending`: being asked to end. `whole`: files
that are there whole or not at all. `printing`: text on any terminal; `stderr` keeps C libraries off
it. It imports no other room.
"""
