"""Control surfaces for other programs, made from the table of knobs for the players of a preset.

`write_layouts` writes them: a Pure Data patch, a Max patch, an Open Stage Control session, a
TouchOSC layout and a table of TouchDesigner's channels, with a page that says how each is opened.
"""
