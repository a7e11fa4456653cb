"""What ``emotion-edge benchmark`` measures on the device it runs on."""
