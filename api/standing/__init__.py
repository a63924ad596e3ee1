"""How the service judges, and how it stands: its policy and calibrations, this replica, the model packs."""
