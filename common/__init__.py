"""What training and conversion both need: data sets, metrics, and what stands next to a Keras file."""
