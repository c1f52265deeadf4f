"""Writes compressed files into the folder given as argument; prints where their strips and tiles lie."""

import json
import pathlib
import sys

import numpy
import tifffile

folder = pathlib.Path(sys.argv[1])
generator = numpy.random.Generator(numpy.random.PCG64(3))
ramp = numpy.linspace(0, 900, 150 * 130).reshape(150, 130)
pixels = (ramp + generator.integers(0, 20, ramp.shape)).astype("u2")
places = {}
for name, options in (
    ("strips", {"compression": "zlib", "rowsperstrip": 40}),
    ("strips_predicted", {"compression": "zlib", "predictor": True, "rowsperstrip": 40}),
    ("tiles", {"compression": "zlib", "tile": (64, 64)}),
    ("tiles_predicted", {"compression": "adobe_deflate", "predictor": True, "tile": (64, 64)}),
):
    tifffile.imwrite(folder / f"{name}.tif", pixels, **options)
    with tifffile.TiffFile(folder / f"{name}.tif") as tif:
        page = tif.pages[0]
        places[f"{name}.tif"] = list(zip(page.dataoffsets, page.databytecounts))
print(json.dumps(places))
