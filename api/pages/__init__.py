"""The pages that the service serves itself: the kiosk's and the counter's. Plain files, no build step."""
