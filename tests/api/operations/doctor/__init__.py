"""`renzheng doctor`."""
