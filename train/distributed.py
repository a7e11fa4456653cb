"""Training on more than one machine: TensorFlow's MultiWorkerMirroredStrategy, from ``TF_CONFIG``.

Keras 3's ``fit`` does not run under that strategy (3.15: it hands per-replica values to places that expect tensors), so
the loop is written out here, in public calls only. Every machine draws the same batches and takes its share of each;
gradients are summed over the machines, and so all keep the same weights.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from edge.errors import ConfigError
from train.objective import accuracy


def strategy_of_cluster() -> Any | None:
    """What ``TF_CONFIG`` asks for; make it before anything else of TensorFlow.

    Returns:
        ``MultiWorkerMirroredStrategy`` for several machines, else ``MirroredStrategy`` for several GPUs, else None.

    Raises:
        ConfigError: ``TF_CONFIG`` is set and Keras runs on another backend.
    """
    together = len(_cluster().get("worker", ())) > 1
    if keras.backend.backend() != "tensorflow":
        if together:
            raise ConfigError(f"TF_CONFIG needs Keras on TensorFlow, not on {keras.backend.backend()}; unset one")
        return None
    import tensorflow as tf

    if together:
        return tf.distribute.MultiWorkerMirroredStrategy()
    return tf.distribute.MirroredStrategy() if len(tf.config.list_physical_devices("GPU")) > 1 else None


def worker() -> int:
    """Number of this machine, 0 for the chief or a single one."""
    return int(json.loads(os.environ.get("TF_CONFIG") or "{}").get("task", {}).get("index", 0))


def folder_of_worker(run: Path) -> Path:
    """The chief's is the run itself; the others keep their record in a folder inside."""
    return run / f"worker-{worker()}" if worker() else run


def scope(strategy: Any | None) -> AbstractContextManager[Any]:
    """Where networks and optimizers must be made."""
    return strategy.scope() if strategy is not None else contextlib.nullcontext()


def fit_together(
    graph: keras.Model,
    batches: keras.utils.PyDataset,
    valid: tuple[NDArray[np.uint8], NDArray[np.float32]],
    *,
    strategy: Any,
    epochs: tuple[int, int],
    callbacks: Sequence[keras.callbacks.Callback],
    verbose: int,
) -> None:
    """What ``graph.fit`` does, over all machines and GPUs of a strategy.

    Args:
        graph: Compiled in the strategy's scope; the loss is that of ``compile``.
        batches: The same on every machine; a batch is the whole of all machines.
        valid: Pictures and targets to watch; every machine measures all of them.
        strategy: What ``strategy_of_cluster`` gave.
        epochs: First epoch and the one to stop before.
        callbacks: As of ``fit``.
        verbose: As of ``fit``.

    Raises:
        ConfigError: The machines do not continue with the same epoch.
    """
    _agree(strategy, epochs[0])
    step = _step(graph, strategy)
    heard = keras.callbacks.CallbackList(
        list(callbacks), add_progbar=verbose > 0, model=graph, verbose=verbose, epochs=epochs[1], steps=len(batches)
    )
    graph.stop_training = False
    heard.on_train_begin()
    logs: dict[str, float] = {}
    for epoch in range(*epochs):
        heard.on_epoch_begin(epoch)
        sums = np.zeros(3)
        for i in range(len(batches)):
            heard.on_train_batch_begin(i)
            shares = strategy.experimental_distribute_values_from_function(_share_of(batches[i], strategy))
            sums += step(shares).numpy()
            logs = {"accuracy": sums[1] / sums[2], "loss": sums[0] / sums[2]}
            heard.on_train_batch_end(i, logs)
        _level(graph, strategy)
        loss, right = _watch(graph, *valid)
        logs = {**logs, "val_accuracy": right, "val_loss": loss}
        heard.on_epoch_end(epoch, logs)
        if graph.stop_training:
            break
    graph.optimizer.finalize_variable_values(graph.trainable_variables)
    heard.on_train_end(logs)


def _step(graph: keras.Model, strategy: Any) -> Any:
    """(pictures, targets, weights) of each replica -> sums over all of loss, right answers and pictures."""
    import tensorflow as tf

    def replica(share: Any) -> Any:
        images, targets, weights, total = share
        with tf.GradientTape() as tape:
            told = graph(images, training=True)
            losses = graph.loss.call(targets, told)
            loss = tf.reduce_sum(losses * weights) / total
        gradients = tape.gradient(loss, graph.trainable_variables)
        graph.optimizer.apply(gradients, graph.trainable_variables)  # sums them over the replicas
        right = tf.reduce_sum(tf.cast(accuracy(targets, told), tf.float32))
        return tf.stack([tf.reduce_sum(losses * weights), right, tf.cast(tf.shape(images)[0], tf.float32)])

    @tf.function(reduce_retracing=True)
    def step(shares: Any) -> Any:
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(replica, args=(shares,)), axis=None)

    return step


def _level(graph: keras.Model, strategy: Any) -> None:
    """Give all machines the mean of what each measured of its own pictures: the statistics of batch normalization."""
    import tensorflow as tf

    for variable in graph.non_trainable_variables:
        if variable.path.endswith(("moving_mean", "moving_variance")):
            mine = tf.constant(keras.ops.convert_to_numpy(variable))
            every = strategy.experimental_distribute_values_from_function(lambda _, mine=mine: mine)
            variable.assign(strategy.reduce(tf.distribute.ReduceOp.MEAN, every, axis=None))


def _share_of(batch: tuple[NDArray[Any], ...], strategy: Any) -> Any:
    """Every n-th row of a batch for the n-th replica, and the number of rows in the whole batch."""
    import tensorflow as tf

    count = strategy.num_replicas_in_sync

    def share(context: Any) -> tuple[Any, ...]:
        rows = [tf.constant(part[context.replica_id_in_sync_group :: count]) for part in batch]
        return (*rows, tf.constant(float(len(batch[0]))))

    return share


def answers(graph: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the graph says to all pictures, in any strategy or none."""
    parts = [graph(images[start : start + 250], training=False) for start in range(0, len(images), 250)]
    return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])


def _watch(graph: keras.Model, images: NDArray[np.uint8], targets: NDArray[np.float32]) -> tuple[float, float]:
    """Mean loss and accuracy on watched pictures."""
    told = answers(graph, images)
    figures = graph.loss.call(targets, told), accuracy(targets, told)
    loss, right = (float(np.mean(keras.ops.convert_to_numpy(figure))) for figure in figures)
    return loss, right


def _agree(strategy: Any, epoch: int) -> None:
    """All machines must begin with the same epoch; one may have been killed before it had written its state."""
    import tensorflow as tf

    mine = strategy.experimental_distribute_values_from_function(lambda _: tf.constant(float(epoch)))
    mean = float(strategy.reduce(tf.distribute.ReduceOp.MEAN, mine, axis=None))
    if mean != epoch:
        raise ConfigError(f"this machine would begin with epoch {epoch + 1}, others would not; delete state.npz on all")


def _cluster() -> dict[str, Any]:
    text = os.environ.get("TF_CONFIG") or "{}"
    try:
        return dict(json.loads(text).get("cluster", {}))
    except (json.JSONDecodeError, AttributeError) as error:
        raise ConfigError(f"TF_CONFIG is not JSON with cluster and task: {text[:80]}") from error


__all__ = ["answers", "fit_together", "folder_of_worker", "scope", "strategy_of_cluster", "worker"]
