"""What tifffile (with imagecodecs) sees in image files: one JSON line for each file named on the standard input.

A line has `file`, and either `error` or `series`: a list of pyramids, each a list of levels
`{"shape": [T, C, Z, Y, X], "dtype": ..., "sha256": ...}`. The hash is that of the pixels in the order T C Z Y X,
little-endian, after the widening of docs/formats.md.
"""

import hashlib
import json
import logging
import sys

import numpy
import tifffile

logging.disable(logging.CRITICAL)

WIDENED = {"bool": "uint8", "uint64": "uint32", "int64": "uint32", "int32": "uint32",
           "float16": "float32", "float64": "float32"}


def widened(array):
    """The array in a type that Parfocal has; None when a value does not fit."""
    target = WIDENED.get(array.dtype.name)
    if target is None:
        return array
    with numpy.errstate(over="ignore"):
        result = array.astype(target)
    if target == "uint32" and not numpy.array_equal(result.astype(object), array.astype(object)):
        return None
    if array.dtype.name == "float64" and numpy.any(numpy.isfinite(array) & ~numpy.isfinite(result)):
        return None
    return result


def in_order(array, axes):
    """The array as T C Z Y X: samples are channels, axes without a meaning here are joined into Z."""
    groups = {"T": [], "C": [], "Z": [], "Y": [], "X": []}
    for index, axis in enumerate(axes):
        groups[{"S": "C"}.get(axis, axis if axis in groups else "Z")].append(index)
    # OME channels come before the samples of each.
    groups["C"].sort(key=lambda index: axes[index] == "S")
    order = [index for letter in "TCZYX" for index in groups[letter]]
    shape = [int(numpy.prod([array.shape[i] for i in groups[letter]], dtype=int)) for letter in "TCZYX"]
    return array.transpose(order).reshape(shape)


def level(series):
    array = widened(series.asarray())
    if array is None:
        return {"unfit": True}
    array = numpy.ascontiguousarray(in_order(array, series.axes))
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return {"shape": list(array.shape), "dtype": array.dtype.name,
            "sha256": hashlib.sha256(array.tobytes()).hexdigest()}


for line in sys.stdin:
    name = line.rstrip("\n")
    answer = {"file": name}
    try:
        with tifffile.TiffFile(name) as tif:
            answer["series"] = [[level(part) for part in series.levels] for series in tif.series]
    except Exception as error:  # whatever it is, it is the judge's answer
        answer["error"] = f"{type(error).__name__}: {error}"
    print(json.dumps(answer), flush=True)
