"""What the plots show."""

from __future__ import annotations

from pathlib import Path

import matplotlib.colors
import numpy as np
import pytest
from PIL import Image

from train.plots import BLUE, draw_curves

LOG = "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,3.00,0.5,0.44\n1,0.6,3.10,0.6,0.41\n2,0.7,3.05,0.7,0.38\n"


@pytest.mark.parametrize(("distilled", "fills"), [(True, True), (False, False)])
def test_losses_of_two_kinds_have_an_axis_each(tmp_path: Path, distilled: bool, fills: bool) -> None:
    (tmp_path / "log.csv").write_text(LOG)
    draw_curves(tmp_path / "log.csv", tmp_path, distilled=distilled)
    picture = np.asarray(Image.open(tmp_path / "curves.png").convert("RGB")).astype(int)
    blue = np.array(matplotlib.colors.to_rgb(BLUE)) * 255
    left = picture[:, : picture.shape[1] // 2]
    found = (np.abs(left - blue).max(axis=2) < 8).sum(axis=1)
    rows = np.flatnonzero((found > 0) & (found < 25))  # the falling line, not its sample in the legend
    assert (np.ptp(rows) > picture.shape[0] / 2) == fills
