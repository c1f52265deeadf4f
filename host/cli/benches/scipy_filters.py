"""Times scipy.ndimage on the image that the benchmark made: one line of JSON for each filter.

Called by the benchmark as: python scipy_filters.py <raw file> <height> <width> <dtype> <rounds>
"""

import json
import sys
import time

import numpy
import scipy
from scipy import ndimage

path, height, width, dtype, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
image = numpy.fromfile(path, dtype).reshape(height, width)
filters = {
    "gaussian": lambda: ndimage.gaussian_filter(image, 2.0, mode="reflect"),
    "median": lambda: ndimage.median_filter(image, size=5, mode="reflect"),
}
for name, run in filters.items():
    run()
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    print(json.dumps({"filter": name, "seconds": sorted(seconds)[len(seconds) // 2], "scipy": scipy.__version__}))
