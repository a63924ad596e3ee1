"""The demonstration: cards registered and shown at a counter, over HTTP, on real components."""
