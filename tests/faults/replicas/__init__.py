"""The promise, put to proof: replicas on one database, killed, paused, cut off, with clocks astray, under load.

Once a loss report is acknowledged, no verification decided afterwards passes. `campaign` runs it, `checker` judges what
happened, and `cluster` is the place it happens in.
"""
