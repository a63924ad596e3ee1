"""Serving the metrics: on an address of their own, so that nobody reaches them who may only reach the API, and from a
thread of their own, so that they answer while the service is full."""

import threading
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, start_http_server

from api.operations.metrics.counters import ALL
from api.operations.metrics.standing import Standing
from api.service import Service


def registry_of(service: Service) -> CollectorRegistry:
    """Everything that a scrape of this replica gives."""
    registry = CollectorRegistry(auto_describe=False)
    for one in ALL:
        registry.register(one)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(Standing(service))
    return registry


class MetricsServer:
    """Answers every GET with the metrics, in Prometheus' text or OpenMetrics, until `close`."""

    def __init__(self, service: Service, host: str, port: int) -> None:
        """Raises OSError where it cannot listen."""
        self._server: WSGIServer
        self._thread: threading.Thread
        self._server, self._thread = start_http_server(port, host, registry_of(service))

    @property
    def port(self) -> int:
        """Where it listens: a free one where 0 was asked for."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
