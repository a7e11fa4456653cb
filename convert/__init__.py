"""From a trained Keras model to `.tflite` files that load anywhere and say what they are."""
