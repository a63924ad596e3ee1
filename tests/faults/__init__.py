"""What survives when processes are killed: service and database as real processes, under load."""
