"""Holders: what checks were made of them, and what they dispute, through a counter that has just identified them."""
