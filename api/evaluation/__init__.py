"""What an evaluator does: comparison scores of listed pairs, and the error rates that they show."""
