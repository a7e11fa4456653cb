"""Interrupted runs go on: after each epoch everything that the next one depends on is written, whole or not at all."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import keras
import numpy as np

from edge.atomic import atomic_write
from edge.errors import ConfigError

# What callbacks remember from epoch to epoch.
REMEMBERED = ("wait", "stopped_epoch", "best", "best_epoch", "cooldown_counter")


class Checkpoint(keras.callbacks.Callback):
    """Keeps weights, optimizer, random states and the memory of other callbacks in one file; deleted by ``done``.

    Must stand behind the other callbacks in the list, so that it saves what they have just decided.

    Args:
        path: The file; its folder is there.
        model: Compiled.
        others: Callbacks with a memory (early stopping, reduction of the learning rate).

    Attributes:
        epoch: Whole epochs done so far.
        seconds: Time spent on them, of all starts together.
    """

    def __init__(self, path: Path, model: keras.Model, others: Sequence[keras.callbacks.Callback]) -> None:
        super().__init__()
        self.path = path
        self.others = [callback for callback in others if any(hasattr(callback, name) for name in REMEMBERED)]
        model.optimizer.build(model.trainable_variables)
        self.variables = [*model.variables, *model.optimizer.variables]
        self.epoch, self.seconds, self._memory = 0, 0.0, []
        self._started = monotonic()

    def restore(self) -> int:
        """Load what an interrupted start left, if anything.

        Returns:
            The epoch to go on with, 0 for a new run.

        Raises:
            ConfigError: The file is not of this network.
        """
        if not self.path.is_file():
            return 0
        try:
            with np.load(self.path) as kept:
                memory = json.loads(str(kept["memory"]))
                values = [kept[f"variable_{i}"] for i in range(memory["variables"])]
                self._memory = [
                    {**known, **_best_weights(kept, i, known)} for i, known in enumerate(memory["callbacks"])
                ]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ConfigError(f"{self.path} is damaged ({error}); delete it to train from the start") from error
        if [v.shape for v in values] != [tuple(v.shape) for v in self.variables]:
            raise ConfigError(f"{self.path} is of another network; name another --run, or delete it")
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)
        self.epoch, self.seconds = memory["epoch"], memory["seconds"]
        return self.epoch

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Give the other callbacks their memory back, which they have just cleared."""
        self._started = monotonic() - self.seconds
        for callback, known in zip(self.others, self._memory, strict=False):
            for name, value in known.items():
                setattr(callback, name, value)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the file anew, next to the old one, then in its place."""
        self.epoch, self.seconds = epoch + 1, monotonic() - self._started
        arrays = {f"variable_{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(self.variables)}
        known = []
        for i, callback in enumerate(self.others):
            best = getattr(callback, "best_weights", None) or []
            arrays |= {f"best_{i}_{j}": value for j, value in enumerate(best)}
            known.append({n: _plain(getattr(callback, n)) for n in REMEMBERED if hasattr(callback, n)})
            known[-1]["best_weights"] = len(best)
        memory = {"epoch": self.epoch, "seconds": self.seconds, "variables": len(self.variables), "callbacks": known}
        with atomic_write(self.path) as file:
            np.savez(file, memory=np.array(json.dumps(memory)), **arrays)

    def done(self) -> None:
        """The run is whole; nothing is left to resume."""
        self.path.unlink(missing_ok=True)


def trim_log(log: Path, epochs: int) -> None:
    """Keep the rows of ``log.csv`` up to ``epochs``: a run may be killed between its log and its state."""
    if not log.is_file():
        return
    with log.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    kept = [row for row in rows[1:] if row and row[0].isdigit() and int(row[0]) < epochs and len(row) == len(rows[0])]
    if not kept:
        log.unlink()
        return
    with log.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([rows[0], *kept])


def _best_weights(kept: Any, index: int, known: dict[str, Any]) -> dict[str, Any]:
    """The best weights so far of one callback, where it had some."""
    count = known.pop("best_weights")
    return {"best_weights": [kept[f"best_{index}_{j}"] for j in range(count)]} if count else {}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int) else float(value)


__all__ = ["Checkpoint", "trim_log"]
