"""The reader bridge's protocol (docs/reader-bridge.md), and a simulator of a card reader and a fingerprint scanner."""
