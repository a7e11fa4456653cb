"""One training run: from a recipe and two sets of faces to a folder with the network and its record."""

from __future__ import annotations

import json
import logging
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from common.datasets import Faces
from common.metrics import score
from edge.errors import ConfigError
from train.architectures import ARCHITECTURES, macs, save_network
from train.copies import read_copy
from train.distributed import answers, fit_together, scope
from train.objective import CLASSES, Objective, accuracy, sample_weights, training_graph
from train.plots import draw_answers, draw_curves
from train.recipe import Recipe
from train.resume import Checkpoint, trim_log
from train.rounding import learn_rounded, round_kernels

logger = logging.getLogger(__name__)


class Batches(keras.utils.PyDataset):
    """Shuffled batches of (uint8 pictures, targets, weights); they depend on seed and epoch alone.

    Targets are (N, 10): people's, and the offsets of the logits. With ``copies`` an epoch is one of them, mirrored at
    random, and the teachers' answers make the targets (N, 15).
    """

    def __init__(self, faces: Faces, recipe: Recipe, copies: Sequence[Path] = ()) -> None:
        super().__init__()
        self.copies = copies
        self.images = faces.images
        self.targets = faces.targets if recipe.targets == "votes" else one_hot(faces.labels)
        self.weights = sample_weights(self.targets, recipe.class_weights)
        self.targets = np.concatenate([self.targets, faces.offsets], axis=1)
        self.recipe = recipe
        self.epoch = 0

    def __len__(self) -> int:
        return max(len(self.images) // self.recipe.batch, 1)

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
        batch, seed = self.recipe.batch, (self.recipe.seed, self.epoch)
        if index == 0 or not hasattr(self, "_order") or self._order[0] != seed:
            self._order = (seed, np.random.default_rng(seed).permutation(len(self.images)))
            if self.copies:
                self.images, self._told = read_copy(self.copies[self.epoch % len(self.copies)])
        rows = self._order[1][index * batch : (index + 1) * batch]
        images, targets, weights = self.images[rows], self.targets[rows], self.weights[rows]
        if self.copies:
            targets = np.concatenate([targets, self._told[rows]], axis=1)
            if self.recipe.augment.flip:
                mirrored = np.random.default_rng((*seed, index)).random(len(rows)) < 0.5
                images = np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
        if self.recipe.mixup:
            rng = np.random.default_rng((*seed, index))
            share = rng.beta(self.recipe.mixup, self.recipe.mixup, (len(rows), 1, 1, 1)).astype("float32")
            share = np.maximum(share, 1 - share)
            images = (images * share + images[::-1] * (1 - share) + 0.5).astype("uint8")
            share = share[:, :, 0, 0]
            targets = targets * share + targets[::-1] * (1 - share)
        return images, targets, weights


class _SetEpoch(keras.callbacks.Callback):
    """Tells the batches which epoch it is, also after a resumed start."""

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.batches.epoch = epoch


def one_hot(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """(N,) indices -> (N, 5) rows of 0 and 1."""
    return np.eye(CLASSES, dtype=np.float32)[labels]


def fit(
    recipe: Recipe,
    train: Faces,
    valid: Faces,
    run: Path,
    *,
    start: list[NDArray[np.float32]] | None = None,
    copies: Sequence[Path] = (),
    strategy: Any | None = None,
    verbose: int = 1,
) -> keras.Model:
    """Train a network and leave it in ``run``; continues where an interrupted run of the same folder stopped.

    Args:
        recipe: All settings.
        train: Pictures to learn from.
        valid: Pictures to watch; never learned from.
        run: Folder of the run: ``model.keras``, ``log.csv``, ``recipe.json``, ``metrics.json``, ``tensorboard/``,
            plots, and ``state.npz`` until it is done.
        start: Weights to begin with, as of ``Model.get_weights``; by default random ones.
        copies: What ``train.copies.make_copies`` wrote of ``train``, when the recipe has teachers.
        strategy: TensorFlow's, to share the work over GPUs and machines; see ``train.distributed``.
        verbose: Keras' progress: 0 none, 1 bar, 2 a line an epoch.

    Returns:
        The trained network, float32.

    Raises:
        ConfigError: ``run`` holds an interrupted run of another recipe or other data.
    """
    run.mkdir(parents=True, exist_ok=True)
    _repeatable(recipe.seed)
    keras.config.set_dtype_policy(recipe.precision)
    batches, watchers = Batches(train, recipe, copies), _watchers(recipe)
    with scope(strategy):
        network = ARCHITECTURES[recipe.architecture]()
        if recipe.rounded:
            network = learn_rounded(network)
        if start:
            network.set_weights(start)
        graph = training_graph(network, recipe, train.images.shape[-1])
        graph.compile(
            optimizer=make_optimizer(recipe, len(batches)),
            loss=Objective(recipe),
            weighted_metrics=[],
            metrics=[accuracy],
        )
        checkpoint = Checkpoint(run / "state.npz", graph, watchers)
    record = _record(recipe, network, train, valid)
    _keep_record(record, run / "recipe.json", resumes=checkpoint.path.is_file())
    epoch = checkpoint.restore()
    trim_log(run / "log.csv", epoch)
    if epoch:
        logger.info("continuing %s with epoch %d of %d", run, epoch + 1, recipe.epochs)
    watched = (valid.images, one_hot(valid.labels))
    callbacks = [_SetEpoch(batches), *_loggers(run), *watchers, checkpoint]
    if strategy is None:
        graph.fit(
            batches,
            validation_data=watched,
            validation_batch_size=500,
            initial_epoch=epoch,
            epochs=recipe.epochs,
            callbacks=callbacks,
            shuffle=False,  # the batches come shuffled, by seed and epoch alone
            verbose=verbose,
        )
    else:
        epochs = (epoch, recipe.epochs)
        fit_together(graph, batches, watched, strategy=strategy, epochs=epochs, callbacks=callbacks, verbose=verbose)
    keras.config.set_dtype_policy("float32")
    trained = ARCHITECTURES[recipe.architecture]()
    trained.set_weights(network.get_weights())
    if recipe.rounded:
        round_kernels(trained)
    save_network(trained, run / "model.keras")
    logits = answers(graph, valid.images)
    report(keras.ops.convert_to_numpy(keras.ops.softmax(logits)), valid, run, checkpoint)
    draw_curves(run / "log.csv", run, distilled=bool(recipe.distill.teachers))
    checkpoint.done()
    return trained


def report(probabilities: NDArray[np.float32], valid: Faces, run: Path, checkpoint: Checkpoint) -> None:
    """Write ``metrics.json`` and the plots of a finished run's answers.

    Args:
        probabilities: (N, 5) answers to ``valid``.
        valid: What was watched.
        run: Folder of the run.
        checkpoint: What it cost.
    """
    cost = {"epochs": checkpoint.epoch, "seconds": round(checkpoint.seconds, 1), "device": _device()}
    tree = {"cost": cost, "watched": score(probabilities, valid.labels).to_dict()}
    (run / "metrics.json").write_text(json.dumps(tree, indent=1) + "\n")
    draw_answers(probabilities, valid, run)


def _repeatable(seed: int) -> None:
    """Same seed, same machine, same numbers: seed every generator, and let TensorFlow pick repeatable operations."""
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()


def _keep_record(record: dict[str, Any], path: Path, *, resumes: bool) -> None:
    """Write what the run is; one that continues must be of the same recipe and data.

    Raises:
        ConfigError: It is not.
    """
    record = json.loads(json.dumps(record))
    before = json.loads(path.read_text()) if resumes and path.is_file() else record
    before["recipe"] = _with_defaults(before["recipe"], Recipe().to_dict())
    for part in ("recipe", "train", "valid"):
        for key, value in record[part].items():
            if before[part].get(key) != value:
                raise ConfigError(
                    f"{path.parent} was interrupted with {part} {key} = {before[part].get(key)}, now it is {value}; "
                    "use the same settings and data, or name another --run"
                )
    path.write_text(json.dumps(record, indent=1) + "\n")


def _with_defaults(settings: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Settings that are younger than the run had their defaults."""
    told = {key: _with_defaults(settings.get(key, {}), value) for key, value in defaults.items() if type(value) is dict}
    return json.loads(json.dumps(defaults)) | settings | told


def make_optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """The optimizer of a recipe, its learning rate a schedule over epochs of ``steps`` batches."""
    rate: Any = recipe.learning_rate
    if recipe.schedule in ("cosine", "constant"):
        total = steps * recipe.epochs
        warmup = int(total * recipe.warmup)
        end = 0.001 if recipe.schedule == "cosine" else 1.0
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 20, total - warmup, alpha=end, warmup_target=rate, warmup_steps=warmup
        )
    average = {"use_ema": True, "ema_momentum": recipe.average} if recipe.average else {}
    if recipe.optimizer == "adam":
        return keras.optimizers.Adam(rate, **average)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, **average)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _loggers(run: Path) -> list[keras.callbacks.Callback]:
    made: list[keras.callbacks.Callback] = [keras.callbacks.CSVLogger(str(run / "log.csv"), append=True)]
    if keras.backend.backend() == "tensorflow":
        made.append(keras.callbacks.TensorBoard(str(run / "tensorboard"), write_graph=False))
    return made


def _watchers(recipe: Recipe) -> list[keras.callbacks.Callback]:
    """Callbacks that act on the watched loss."""
    made: list[keras.callbacks.Callback] = []
    if recipe.schedule == "plateau":
        made.append(keras.callbacks.ReduceLROnPlateau(patience=5))
    if recipe.early_stopping:
        made.append(keras.callbacks.EarlyStopping(patience=recipe.early_stopping, restore_best_weights=True))
    return made


def _record(recipe: Recipe, network: keras.Model, train: Faces, valid: Faces) -> dict[str, Any]:
    """What a run is, as plain JSON values."""
    versions = {"keras": keras.__version__, "backend": keras.backend.backend(), "numpy": np.__version__}
    return {
        "recipe": recipe.to_dict(),
        "parameters": network.count_params(),
        "macs": macs(network),
        **versions,
        keras.backend.backend(): sys.modules[keras.backend.backend()].__version__,
        "python": platform.python_version(),
        "train": train.counts(),
        "valid": valid.counts(),
    }


def _device() -> str:
    """The accelerator, or the processor and its cores."""
    found = [name for name in keras.distribution.list_devices() if not name.startswith("cpu")]
    return ", ".join(found) or f"{platform.machine()}, {os.cpu_count()} cores"


__all__ = ["Batches", "fit", "make_optimizer", "one_hot", "report"]
