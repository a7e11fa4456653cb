"""Weights between those that were learned and those that training started from."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from train.fit import blend
from train.networks import residual


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_each_weight_keeps_its_share(share: float) -> None:
    keras.utils.set_random_seed(1)
    learned, start = (residual((6,), (0,), stem=4, size=16) for _ in range(2))
    before, other = learned.get_weights(), start.get_weights()
    blend(learned, start, share)
    for now, was, at_start in zip(learned.get_weights(), before, other, strict=True):
        np.testing.assert_allclose(now, share * was + (1 - share) * at_start, atol=1e-6)
    assert all(np.array_equal(a, b) for a, b in zip(start.get_weights(), other, strict=True))
