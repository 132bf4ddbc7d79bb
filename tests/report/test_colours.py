"""Colours keep their contrast and stay apart for readers who do not see them all."""

import itertools
import math

import numpy as np
import pytest

from analysis.charts.colours import hue, look
from analysis.schema import COMPONENTS

LIGHT, DARK = "#ffffff", "#14171c"
HUES = ("blue", "sky", "grey", "amber", "brown")
# Machado, Oliveira and Fernandes 2009, severity 1.0.
VISION = {
    "normal": np.eye(3),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "no blue": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def linear(colour: str) -> np.ndarray:
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(rgb, 0, 1)
    x, y, z = (math.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz / [0.95047, 1.0, 1.08883])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("name", HUES)
@pytest.mark.parametrize("page", [LIGHT, DARK])
def test_every_colour_stands_out_from_the_page(name: str, page: str) -> None:
    assert contrast(hue(name), page) >= 3


@pytest.mark.parametrize("vision", VISION)
def test_colours_stay_apart_for_colour_blind_readers(vision: str) -> None:
    seen = {name: lab(VISION[vision] @ linear(hue(name))) for name in HUES}
    for one, other in itertools.combinations(HUES, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 15, (one, other)


def test_no_two_components_share_colour_and_pattern() -> None:
    looks = [(look(c).hue, look(c).pattern) for c in COMPONENTS]
    assert len(set(looks)) == len(COMPONENTS)
