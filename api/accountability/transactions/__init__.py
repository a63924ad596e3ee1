"""Business transactions as terminals report them; one that needed a check and rests on none is an omission."""
