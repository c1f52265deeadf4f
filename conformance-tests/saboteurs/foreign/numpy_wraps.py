"""A plugin that keeps the contract but for the brightest pixels: one more than 255 is 0."""

import numpy as np

from parfocal import Operator, serve


class AddOne(Operator):
    """Adds one grey level."""

    id = "add-one"
    kind = "map"
    dtypes = ["u8", "u16", "f32"]
    preserves = ["localisation", "counting", "gross-morphology", "fine-detail"]
    deterministic = True

    def run(self, tile, cx):
        for source, target in tile.bands():
            # The fault: numpy adds whole numbers in their own type, and says nothing when it is too small.
            np.add(source, 1, out=target)


serve("org.parfocal.saboteurs", "0.1.0", [AddOne])
