"""``tiny_training`` on two devices of one machine: two halves of the processor stand for two GPUs."""

import sys

import numpy as np
import tensorflow as tf
from tiny_training import main

import train.fit
import train.session
from train.distributed import fit_together

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
train.session.strategy_of_cluster = lambda: tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def fit_and_compare(graph, *args, strategy, **options):
    """Train, then say whether every weight is the same on both devices."""
    fit_together(graph, *args, strategy=strategy, **options)
    copies = [strategy.experimental_local_results(variable.value) for variable in graph.trainable_variables]
    same = all(len(pair) == 2 and np.array_equal(*pair) for pair in copies)
    sys.stdout.write(f"devices {strategy.num_replicas_in_sync}, weights {len(copies)}, same {same}\n")


train.fit.fit_together = fit_and_compare

if __name__ == "__main__":
    main()
