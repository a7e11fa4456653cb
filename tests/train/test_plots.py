"""What the plots show."""

from __future__ import annotations

from pathlib import Path

import matplotlib.colors
import numpy as np
from PIL import Image

from train.plots import ORANGE, draw_curves

LOG = "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,3.00,0.5,2.44\n1,0.6,2.10,0.6,1.41\n2,0.7,1.05,0.7,0.38\n"


def test_the_loss_falls_and_the_accuracy_rises(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(LOG)
    draw_curves(tmp_path / "log.csv", tmp_path)
    picture = np.asarray(Image.open(tmp_path / "curves.png").convert("RGB")).astype(int)
    middle = picture.shape[1] // 2
    for half, sign in ((picture[:, :middle], 1), (picture[:, middle:], -1)):
        near = np.abs(half - np.array(matplotlib.colors.to_rgb(ORANGE)) * 255).max(axis=2) < 8
        rows, columns = np.nonzero(near & (near.sum(axis=1) < 25)[:, None])  # the line, not its sample in the legend
        assert sign * np.corrcoef(rows, columns)[0, 1] > 0.8
