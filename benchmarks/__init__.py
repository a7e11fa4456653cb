"""What prints the measured figures."""
