"""Legal holds: data that a court, an authority or a dispute needs are kept past their time, and are not erased."""
