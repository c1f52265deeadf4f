"""Asks tifffile and ome-types about files that Parfocal wrote.

    python written.py cases.json

Each case names the file, the raw pixels that it must have (T C Z Y X, little-endian), their type and sizes, whether
smaller levels take the nearest pixel, and how many levels there are. Prints one line for each case: `ok <file>` or
`<file>: <what is wrong>`. Writes the OME-XML beside the file, for a schema validator.
"""

import json
import sys

import numpy
import ome_types
import tifffile


def halved(plane, nearest):
    """2 x 2 mean of the pixels there are, rounded half to even, or the nearest pixel."""
    if nearest:
        return plane[..., ::2, ::2]
    height, width = plane.shape[-2:]
    padded = numpy.pad(plane, [(0, 0)] * (plane.ndim - 2) + [(0, height % 2), (0, width % 2)], mode="edge")
    wide = padded.astype(numpy.float64)
    mean = (wide[..., ::2, ::2] + wide[..., ::2, 1::2] + wide[..., 1::2, ::2] + wide[..., 1::2, 1::2]) / 4
    if plane.dtype.kind in "iu":
        mean = numpy.rint(mean)
    return mean.astype(plane.dtype)


def check(case):
    pixels = numpy.fromfile(case["raw"], dtype=case["dtype"]).reshape(case["shape"])
    with tifffile.TiffFile(case["file"]) as tif:
        if not tif.is_ome:
            return "tifffile does not take it for OME-TIFF"
        if tif.is_bigtiff != case["big"]:
            return f"BigTIFF is {tif.is_bigtiff}"
        series = tif.series
        if len(series) != 1:
            return f"{len(series)} series"
        levels = series[0].levels
        if len(levels) != case["levels"]:
            return f"{len(levels)} levels, not {case['levels']}"
        for number, level in enumerate(levels):
            if number > 0:
                pixels = halved(pixels, case["nearest"])
            found = level.asarray()
            if found.dtype != pixels.dtype:
                return f"level {number} is {found.dtype}"
            axes = level.axes
            expected = pixels.squeeze() if number == 0 else pixels
            if found.squeeze().shape != expected.squeeze().shape:
                return f"level {number} is {axes} {found.shape}, not {expected.shape}"
            if not numpy.array_equal(found.squeeze(), expected.squeeze()):
                return f"level {number} has other pixels"
        xml = tif.ome_metadata
        if "\N{MICRO SIGN}m" not in tif.pages[0].description or "&#181;" in xml:
            return "no raw micro sign"
    with open(case["file"] + ".xml", "w", encoding="utf-8") as out:
        out.write(xml)
    image = ome_types.from_xml(xml).images[0].pixels
    sizes = [image.size_t, image.size_c, image.size_z, image.size_y, image.size_x]
    if sizes != case["shape"]:
        return f"ome-types reads sizes {sizes}"
    if (image.physical_size_x, image.physical_size_x_unit.value) != (case["pixel_size"], "\N{MICRO SIGN}m"):
        return f"ome-types reads a pixel of {image.physical_size_x} {image.physical_size_x_unit.value}"
    return None


def main():
    with open(sys.argv[1], encoding="utf-8") as cases:
        for case in json.load(cases):
            wrong = check(case)
            print(f"{case['file']}: {wrong}" if wrong else f"ok {case['file']}", flush=True)


main()
