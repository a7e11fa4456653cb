"""Where pictures and frames come from."""
