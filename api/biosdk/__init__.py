"""The engines behind MOSIP's Bio-SDK service, specification 1.0: a server of its own, without a database or keys."""
