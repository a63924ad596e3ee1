"""What stands in README.md, `docs/` and `deploy/` is so: commands run, links lead somewhere, options are there."""
