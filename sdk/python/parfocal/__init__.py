"""Operators for Parfocal in Python.

This is a whole plugin, `plugin.py`; its name, version and licence stand in `plugin.toml` beside it:

    import numpy as np
    from parfocal import ALL, Operator, parameter, serve

    class SubtractOffset(Operator):
        \"\"\"Subtracts a constant offset and clamps at zero.\"\"\"

        id = "subtract-offset"
        dtypes = ["u8", "u16"]
        preserves = ALL
        deterministic = True
        offset = parameter(100, min=0, max=65535, unit="grey-level", role="setting", doc="Offset of the
        detector.")

        def run(self, tile, cx):
            for source, target in tile.bands():
                target[:] = np.maximum(source, self.offset) - self.offset

    serve("org.example.subtract-offset", "0.1.0", [SubtractOffset])

`parfocal build` makes the package. The host runs it in a process of its own, behind fences: no files but the
interpreter's own, no network, a limit of memory. Pixels come and go in shared memory; the arrays of a `Tile`
look at them in place.

What an operator may do is written at `Operator`, what it is handed at `Tile`, what it may ask of the host at
`Context`. `parfocal.testing` runs it in a test without a host.
"""

from .context import Context
from .declare import ALL, Input, Output, parameter
from .errors import Cancelled, Error, not_supported
from .geometry import AXES, Region
from .image import ImageSpec, PixelSize
from .operator import Operator
from .plan import ConnectedInput, InputRegion, Plan
from .program import serve, start
from .tables import Column, Sink
from .tile import Pixels, Tile

__version__ = "0.1.0"

__all__ = [
    "ALL",
    "AXES",
    "Cancelled",
    "Column",
    "ConnectedInput",
    "Context",
    "Error",
    "ImageSpec",
    "Input",
    "InputRegion",
    "Operator",
    "Output",
    "Pixels",
    "PixelSize",
    "Plan",
    "Region",
    "Sink",
    "Tile",
    "not_supported",
    "parameter",
    "serve",
    "start",
]
