import math
import statistics
import unittest

import numpy as np

from parfocal.testing import run
from plugin import IntensitySummary


class Behaviour(unittest.TestCase):
    def test_each_channel_has_its_row_with_exact_numbers(self):
        image = np.random.default_rng(1).integers(0, 65536, (2, 3, 60, 50)).astype(np.uint16)
        rows = run(IntensitySummary, image).tables["summary"]
        self.assertEqual([row["c"] for row in rows], [0, 1])
        for row, channel in zip(rows, image):
            values = channel.ravel().tolist()
            self.assertEqual((row["pixels"], row["min"], row["max"]), (9000, min(values), max(values)))
            self.assertEqual(row["mean"], statistics.mean(values))
            self.assertAlmostEqual(row["sd"], statistics.stdev(values), delta=1e-9 * row["sd"])

    def test_the_rows_are_the_same_bits_however_the_image_is_cut(self):
        image = np.random.default_rng(2).integers(-(2**15), 2**15, (1, 2, 4, 61, 47)).astype(np.int16)
        whole = run(IntensitySummary, image).tables
        for tile in (7, 16, 45):
            self.assertEqual(run(IntensitySummary, image, tile=tile).tables, whole)

    def test_one_pixel_has_no_standard_deviation(self):
        (row,) = run(IntensitySummary, np.full((1, 1), 7, np.uint8)).tables["summary"]
        self.assertEqual((row["mean"], row["min"], row["max"]), (7.0, 7, 7))
        self.assertTrue(math.isnan(float(row["sd"])))
