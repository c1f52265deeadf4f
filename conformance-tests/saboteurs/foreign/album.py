"""A plugin that keeps the contract, and every image that it ever saw."""

import numpy as np

from parfocal import Operator, serve


class AddOne(Operator):
    """Adds one grey level."""

    id = "add-one"
    kind = "map"
    dtypes = ["u8", "u16", "f32"]
    preserves = ["localisation", "counting", "gross-morphology", "fine-detail"]
    deterministic = True

    # The fault: a list of the class is one for all instances, and nobody ever empties it.
    seen = []

    def run(self, tile, cx):
        for source, target in tile.bands():
            self.seen.append(source.copy())
            top = np.inf if source.dtype.kind == "f" else np.iinfo(source.dtype).max
            target[...] = np.minimum(source.astype(np.float64) + 1, top)


serve("org.parfocal.saboteurs", "0.1.0", [AddOne])
