"""What is made when the guide is built, from the tables and the code that its pages tell of.

`docs/` is the guide's text; where a page has a line `<!-- made: NAME -->`, `hooks` puts what
`tables` makes of that name. It is kept nowhere beside the text, so it cannot be out of date.
"""
