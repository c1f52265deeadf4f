"""Times scipy.ndimage on a 2048 x 2048 frame, one thread, fastest of several runs; prints milliseconds as JSON."""

import json
import sys
import time

import numpy as np
from scipy import ndimage

words = sys.stdin.read().split()
repeats, everything = int(words[0]), "all" in words
rng = np.random.default_rng(1)
frame = 100 + 30 * (rng.random((2048, 2048)) + rng.random((2048, 2048)) - 1)
y, x = np.ogrid[:19, :19]
for _ in range(2048 * 2048 // 900):
    r = 3 + 6 * rng.random()
    disc = ((y - 9) ** 2 + (x - 9) ** 2 < r * r) * (200 + 1500 * rng.random())
    top, left = rng.integers(0, 2048 - 19, 2)
    frame[top : top + 19, left : left + 19] += disc

cases = {f"gaussian sigma={s}": (lambda a, s=s: ndimage.gaussian_filter(a, s)) for s in (1, 2, 10)}
cases |= {f"median radius={r}": (lambda a, r=r: ndimage.median_filter(a, 2 * r + 1)) for r in ((1, 2, 3, 10) if everything else (1, 2))}
cases["top-hat radius=20"] = lambda a: ndimage.white_tophat(a, 41)

result = {}
for name, call in cases.items():
    for dtype, image in (
        ("u8", (frame / 16).astype(np.uint8)),
        ("u16", frame.astype(np.uint16)),
        ("f32", frame.astype(np.float32)),
    ):
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            call(image)
            times.append(1e3 * (time.perf_counter() - start))
            if sum(times) > 4000:
                break
        result[f"{name} {dtype}"] = min(times)
json.dump(result, sys.stdout)
