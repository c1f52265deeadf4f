"""What scipy and scikit-image say about images.

Reads a list of cases as JSON; each names a raw image (and labels) in a folder, its type and its size along Z Y X. Writes
pixels as raw files beside them and prints the rest as JSON, one answer for each case.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy import ndimage

FULL = {"faces": 1, "edges": 2, "corners": 3}


def planes(image, filter_plane):
    return np.stack([filter_plane(plane) for plane in image])


def gaussian(image, case, folder):
    sigma = [case["sigma"]] * 3 if case["dimensions"] == "3d" else [0, case["sigma"], case["sigma"]]
    return ndimage.gaussian_filter(image.astype(np.float64), sigma, mode="reflect", truncate=4.0)


def median(image, case, folder):
    return planes(image, lambda plane: ndimage.median_filter(plane, 2 * case["radius"] + 1, mode="reflect"))


def top_hat(image, case, folder):
    return planes(image, lambda plane: ndimage.white_tophat(plane, 2 * case["radius"] + 1, mode="reflect"))


def otsu(image, case, folder):
    from skimage.filters import threshold_otsu

    return {"threshold": float(threshold_otsu(image))}


def label(image, case, folder):
    from skimage.measure import label

    steps = FULL[case["connectivity"]]
    if case["dimensions"] == "3d":
        return label(image != 0, connectivity=steps).astype(np.uint32)
    return planes(image, lambda plane: label(plane != 0, connectivity=min(steps, 2))).astype(np.uint32)


def regions(labels, case, folder):
    from skimage.measure import regionprops

    intensity = read(folder / case["intensity"], case["intensity_dtype"], case["shape"])
    if case["dimensions"] == "2d":
        labels, intensity = labels[0], intensity[0]
    found = regionprops(labels.astype(np.int64), intensity)
    answer = {
        "label": [r.label for r in found],
        "pixels": [int(r.num_pixels) for r in found],
        "equivalent_diameter": [float(r.equivalent_diameter_area) for r in found],
        "mean_intensity": [float(r.intensity_mean) for r in found],
        "min_intensity": [float(r.intensity_min) for r in found],
        "max_intensity": [float(r.intensity_max) for r in found],
    }
    dimensions = labels.ndim
    for place, axis in enumerate("zyx"[3 - dimensions :]):
        answer[f"centroid_{axis}"] = [float(r.centroid[place]) for r in found]
        answer[f"bbox_{axis}"] = [int(r.bbox[place]) for r in found]
        size = {"x": "width", "y": "height", "z": "depth"}[axis]
        answer[f"bbox_{size}"] = [int(r.bbox[place + dimensions] - r.bbox[place]) for r in found]
    if dimensions == 2:
        answer["perimeter"] = [float(r.perimeter) for r in found]
    return answer


def read(path, dtype, shape):
    return np.fromfile(path, dtype).reshape(shape)


cases = json.load(sys.stdin)
folder = Path(cases["folder"])
answers = []
for number, case in enumerate(cases["cases"]):
    image = read(folder / case["image"], case["dtype"], case["shape"])
    answer = globals()[case["judge"]](image, case, folder)
    if isinstance(answer, np.ndarray):
        name = f"answer-{number}.raw"
        np.ascontiguousarray(answer).tofile(folder / name)
        answer = {"file": name, "dtype": str(answer.dtype)}
    answers.append(answer)
json.dump(answers, sys.stdout)
