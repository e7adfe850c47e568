"""What goes between the view's two processes: lines of JSON, which are the stage page's.

The end of the set alone is asked for by a line of its own, as the page cannot ask for it.
"""

from __future__ import annotations

LOOKS_HZ = 15
"""How often is told what is so."""
END = b"end"
MOST_BYTES = 1 << 22
"""Of a line that is told."""
