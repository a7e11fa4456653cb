"""Train the classifier on a workstation: data sets, architectures, fitting, evaluation."""
