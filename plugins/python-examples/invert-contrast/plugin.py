"""Invert contrast: the smallest plugin in Python."""

import numpy as np

from parfocal import Operator, parameter, serve


class InvertContrast(Operator):
    """Turns dark into bright and bright into dark, about a white level."""

    id = "invert-contrast"
    kind = "map"
    dtypes = ["u8", "u16"]
    preserves = ["localisation", "counting", "gross-morphology", "fine-detail"]
    deterministic = True

    white = parameter(
        4095, min=0, max=65535, unit="grey-level", role="setting", doc="The grey level that becomes black."
    )

    def run(self, tile, cx):
        for source, target in tile.bands():
            white = min(self.white, np.iinfo(source.dtype).max)
            np.subtract(white, np.minimum(source, white), out=target)


serve("org.example.invert-contrast", "0.1.0", [InvertContrast])
