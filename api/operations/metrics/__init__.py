"""What is counted and measured, in Prometheus' form; served on an address of its own.

`counters` is what requests touch: objects that are looked up once, a lock and an addition each. `standing` asks for all
that stands somewhere already (feed, gallery, evidence, pools) when it is scraped, and costs requests nothing.
"""
