"""How long each kind of data is kept, what removes it when its time is over, and what proves that it is gone."""
