"""``python -m train`` with one more network, so small that a test can train it."""

from functools import partial

from train.__main__ import main
from train.networks import NETWORKS, residual

NETWORKS["tiny"] = partial(residual, (8,), (0,), stem=4, size=16, name="tiny")

if __name__ == "__main__":
    main()
