import unittest

import numpy as np

from parfocal.testing import run
from plugin import InvertContrast


class Behaviour(unittest.TestCase):
    def test_the_white_level_becomes_black_and_what_is_above_it_too(self):
        image = np.array([[0, 1, 4094], [4095, 4096, 65535]], np.uint16)
        self.assertEqual(run(InvertContrast, image).image.ravel().tolist(), [4095, 4094, 1, 0, 0, 0])

    def test_the_result_does_not_depend_on_how_the_image_is_cut(self):
        image = np.random.default_rng(1).integers(0, 256, (2, 3, 70, 50)).astype(np.uint8)
        whole = run(InvertContrast, image).image
        self.assertTrue((whole[0] == 255 - image).all())
        self.assertTrue((run(InvertContrast, image, tile=16).image == whole).all())
