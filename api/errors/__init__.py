"""The error catalogue: every code that the service can give, with its texts in Chinese and English."""

from api.errors.catalogue import Entry, ServiceError, catalogue, entry

__all__ = ["Entry", "ServiceError", "catalogue", "entry"]
