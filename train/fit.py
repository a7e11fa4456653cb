"""One training run: from a recipe and faces to a folder with the network and its record."""

from __future__ import annotations

import json
import logging
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from common.datasets import Faces
from common.metrics import score
from edge.errors import ConfigError
from edge.labels import EMOTIONS
from edge.preprocess import InputSpec
from train.augment import Augmentation
from train.networks import NETWORKS, macs, predict, save_network
from train.plots import draw_curves, draw_predictions
from train.quantization import quantization_aware, quantize_kernels
from train.recipe import Recipe
from train.resume import Checkpoint, trim_log
from train.training_set import TrainingSet

WEIGHT_DECAY, WARMUP = 0.02, 0.05  # of AdamW; share of all steps
RECORD = "training.json"
PLATEAU = 5  # epochs without a better watched loss, of the described recipe

logger = logging.getLogger(__name__)


class Batches(keras.utils.PyDataset):
    """Shuffled batches of changed pictures; they depend on the recipe's seed, epoch and place alone."""

    def __init__(self, faces: TrainingSet, recipe: Recipe, spec: InputSpec) -> None:
        super().__init__(workers=1, max_queue_size=16)
        self.faces, self.recipe = faces, recipe
        self.weights = class_weights(faces.targets) if recipe.described else None
        self.change = Augmentation(recipe.augment, spec)
        self.epoch = 0
        self._order = self._shuffled()

    def __len__(self) -> int:
        return max(len(self.faces) // self.recipe.batch, 1)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        rows = self._order[index * self.recipe.batch : (index + 1) * self.recipe.batch]
        random = np.random.default_rng((self.recipe.seed, self.epoch, index))
        pictures, hidden = self.change(self.faces.patches[rows], random)
        targets = self.faces.targets[rows] * (1 - hidden) + hidden / len(EMOTIONS)
        inputs = {"picture": pictures, "offsets": self.faces.offsets[rows]}
        return (inputs, targets) if self.weights is None else (inputs, targets, self.weights[rows])

    def on_epoch_end(self) -> None:
        """Go on with the next epoch; Keras calls it."""
        self.begin(self.epoch + 1)

    def begin(self, epoch: int) -> None:
        """Give this epoch's batches from here on."""
        self.epoch = epoch
        self._order = self._shuffled()

    def _shuffled(self) -> NDArray[np.int64]:
        return np.random.default_rng((self.recipe.seed, self.epoch)).permutation(len(self.faces))


def training_graph(network: keras.Model) -> keras.Model:
    """Grey uint8 pictures and the offsets of their logits -> logits, for the loss."""
    height, width = network.input_shape[1:3]
    picture = keras.Input((height, width, 1), dtype="uint8", name="picture")
    offsets = keras.Input((len(EMOTIONS),), name="offsets")
    x = layers.Rescaling(1 / 255, dtype="float32")(picture)
    x = layers.Concatenate()([x, x, x])
    logits = keras.Model(network.input, network.get_layer("logits").output, name="network")(x)
    return keras.Model({"picture": picture, "offsets": offsets}, layers.Add()([logits, offsets]))


def fit(
    recipe: Recipe,
    train: TrainingSet,
    watched: Faces,
    run: Path,
    *,
    start: keras.Model | None = None,
    verbose: int = 2,
) -> keras.Model:
    """Train a network and leave it in ``run``; continues where an interrupted run of the same folder stopped.

    Args:
        recipe: All settings.
        train: Faces to learn from.
        watched: Faces to watch; never learned from.
        run: Folder of the run: ``model.keras``, ``log.csv``, ``training.json`` (recipe, commit, versions, cost and the
            watched faces' figures), ``tensorboard/``, plots, and ``state.npz`` until it is done.
        start: The network to go on from; by default one with random weights.
        verbose: Keras' progress: 0 none, 1 bar, 2 a line an epoch.

    Returns:
        The trained network, float32.

    Raises:
        ConfigError: ``run`` holds an interrupted run of another recipe or other data.
    """
    run.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(recipe.seed)
    network = NETWORKS[recipe.network]()
    trained = NETWORKS[recipe.network]() if recipe.described else NETWORKS[recipe.network](mirror=True)
    if not recipe.described:
        network = quantization_aware(network)
    if start is not None:
        network.set_weights(start.get_weights())
    batches = Batches(train, recipe, InputSpec(*network.input_shape[1:3], channels=1, brighten=not recipe.described))
    graph, watchers = training_graph(network), _watchers(recipe)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    graph.compile(
        make_optimizer(recipe, len(batches)),
        loss,
        jit_compile=True,  # a third less time on two cores, and the same numbers every time
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        weighted_metrics=[],
    )
    checkpoint = Checkpoint(run / "state.npz", graph, watchers)
    record = _record(recipe, trained, train, watched)
    _keep_record(record, run / RECORD, resumes=checkpoint.path.is_file())
    epoch = checkpoint.restore()
    trim_log(run / "log.csv", epoch)
    if epoch:
        logger.info("continuing %s with epoch %d of %d", run, epoch + 1, recipe.epochs)
    batches.begin(epoch)
    graph.fit(
        batches,
        validation_data=(_inputs(watched), np.eye(len(EMOTIONS), dtype=np.float32)[watched.labels]),
        validation_batch_size=500,
        initial_epoch=epoch,
        epochs=recipe.epochs,
        callbacks=[*_loggers(run), *watchers, checkpoint],
        shuffle=False,  # the batches come shuffled, by seed and epoch alone
        verbose=verbose,
    )
    trained.set_weights(network.get_weights())
    if start is not None:
        blend(trained, start, recipe.blend)
    if not recipe.described:
        quantize_kernels(trained)
    save_network(trained, run / "model.keras")
    probabilities = predict(trained, watched.images)
    draw_curves(run / "log.csv", run)
    draw_predictions(probabilities, watched, run)
    cost = {"epochs": checkpoint.epoch, "seconds": round(checkpoint.seconds, 1), "device": _device()}
    _write(record | {"cost": cost, "watched": score(probabilities, watched.labels).to_dict()}, run / RECORD)
    checkpoint.done()
    return trained


def _inputs(faces: Faces) -> dict[str, NDArray[Any]]:
    return {"picture": faces.images, "offsets": np.zeros((len(faces), len(EMOTIONS)), np.float32)}


def blend(network: keras.Model, start: keras.Model, share: float) -> None:
    """Move a network's weights towards those it started from, in place (Wortsman et al. 2022).

    What was learned of other people's faces mostly stays, and so does what the start knew of its own.

    Args:
        network: Keeps ``share`` of its weights.
        start: Gives the rest; of the same shape.
        share: 0 to 1.
    """
    pairs = zip(network.get_weights(), start.get_weights(), strict=True)
    network.set_weights([share * learned + (1 - share) * before for learned, before in pairs])


def class_weights(targets: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much each picture counts, mean 1: the inverse frequency of its class; targets are float32 (N, 5)."""
    weights = targets @ (1 / np.maximum(targets.mean(axis=0), 1e-6))
    return (weights / weights.mean()).astype(np.float32)


def _keep_record(record: dict[str, Any], path: Path, *, resumes: bool) -> None:
    """Write what the run is; one that continues must be of the same recipe and data.

    Raises:
        ConfigError: It is not.
    """
    record = json.loads(json.dumps(record))
    before = json.loads(path.read_text()) if resumes and path.is_file() else record
    for part in ("recipe", "faces"):
        for key, value in record[part].items():
            if before[part].get(key) != value:
                raise ConfigError(
                    f"{path.parent} was interrupted with {part} {key} = {before[part].get(key)}, now it is {value}; "
                    "use the same settings and data, or name another --run"
                )
    _write(record, path)


def _write(record: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(record, indent=1) + "\n")


def make_optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """The optimizer of a recipe, its learning rate a schedule over epochs of ``steps`` batches."""
    if recipe.described:
        return keras.optimizers.Adam(recipe.learning_rate)
    total = steps * recipe.epochs
    warmup = int(total * WARMUP)
    rate = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 20,
        max(total - warmup, 1),
        alpha=0.001,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY)
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
    if recipe.described:
        made.append(keras.callbacks.ReduceLROnPlateau(patience=PLATEAU))
    if recipe.patience:
        made.append(keras.callbacks.EarlyStopping(patience=recipe.patience, restore_best_weights=True))
    return made


def _record(recipe: Recipe, network: keras.Model, train: TrainingSet, watched: Faces) -> dict[str, Any]:
    """What a run is, as plain JSON values."""
    backend = keras.backend.backend()
    return {
        "recipe": recipe.to_dict(),
        "commit": _commit(),
        "parameters": network.count_params(),
        "macs": macs(network),
        "faces": {"train": len(train), "watched": watched.counts(), "sha256": train.sha256()},
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "keras": keras.__version__,
            backend: sys.modules[backend].__version__,
        },
    }


def _commit() -> str | None:
    """The checkout's commit, with "-dirty" where files differ from it; None without git or outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _device() -> str:
    """The accelerator, or the processor and its cores."""
    found = [name for name in keras.distribution.list_devices() if not name.startswith("cpu")]
    return ", ".join(found) or f"{platform.machine()}, {os.cpu_count()} cores"


__all__ = ["RECORD", "Batches", "blend", "class_weights", "fit", "make_optimizer", "training_graph"]
