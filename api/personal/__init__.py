"""Personal data: erased with the keys that they were sealed under, each time with its evidence."""
