"""`python -m benchmarks NAME ...`: measure, print a table, write JSON and scores."""

from benchmarks.commands import app

if __name__ == "__main__":
    app(prog_name="python -m benchmarks")
