"""The impostor list."""
