"""What measures: accuracy, speed and load of the engines and of the service."""
