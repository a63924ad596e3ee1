"""Rate limits: which routes cost a request of the asker's bucket; see `api.institutions.buckets`.

The request is taken when the caller signs in, in the same statement (`signin.get_caller`), and that is a transaction of
its own: a request that fails has cost its share too.
"""

from fastapi import Depends, Request


async def mark(request: Request) -> None:
    """For routes that cost something; a route's own dependencies come before all others."""
    request.state.limited = True


def is_limited(request: Request) -> bool:
    """Whether the request's route costs something."""
    return getattr(request.state, "limited", False)


LIMITED = [Depends(mark)]
