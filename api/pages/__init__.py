"""The pages that the service serves itself: kiosk, counter and console. Plain files, no build step."""
