"""What those who run the service need: a look at the whole installation, logs, metrics, admission and draining."""
