"""How a replica stands at the moment of a scrape."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, QueuePool, select
from sqlalchemy.exc import DBAPIError

from api.evidence import log
from api.feed import records as feed
from api.personal.retention import runs
from api.screening import records as impostors
from api.service import Service
from api.storage import migrate
from api.storage.errors import StorageError


class Standing(Collector):
    """The gauges of one service. What cannot be asked is left out: a gap, and no zero."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self) -> Iterable[Metric]:
        """Nothing: to register it asks no database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All of them, now."""
        yield _gauge("renzheng_build", "The version, as a label.", 1, version=version("renzheng"))
        yield from self._process()
        yield from self._threads()
        if (faces := self._service.faces.found) is not None:
            yield _gauge("renzheng_stored_faces_people", "People whose faces are stored.", faces.people)
        yield from self._stored()

    def _process(self) -> Iterator[Metric]:
        service = self._service
        admission = service.admission
        yield _gauge("renzheng_draining", "1 while the replica ends and takes nothing new.", service.draining.begun)
        yield _gauge("renzheng_verifications_inside", "Admitted and not answered yet.", admission.inside)
        queued = max(0, admission.inside - service.settings.compute_threads)
        yield _gauge("renzheng_verifications_queued", "Of those, beyond the threads that compare.", queued)
        yield _gauge(
            "renzheng_estimated_wait_seconds", "What the next one would wait for its answer.", admission.wait_s()
        )
        pool = service.database.engine.pool
        if isinstance(pool, QueuePool):
            yield _gauge("renzheng_database_connections_used", "Of this replica's pool.", service.database.used)
            yield _gauge("renzheng_database_connections_most", "The pool's size.", pool.size())

    def _threads(self) -> Iterator[Metric]:
        service = self._service
        gallery, counts = service.impostors.gallery, service.sequencer.counts
        yield _gauge("renzheng_feed_failing", "1 while the feed cannot be read.", service.feed.failing)
        yield _gauge("renzheng_feed_streams", "Streams that are open.", len(service.feed.hub))
        yield _gauge("renzheng_feed_known", "The newest number that streams were told.", service.feed.ring.last)
        sizes = GaugeMetricFamily("renzheng_gallery_entries", "Of the impostor list in memory.", labels=["modality"])
        sizes.add_metric(["face"], 0 if gallery.faces is None else len(gallery.faces.gallery))
        sizes.add_metric(["finger"], len(gallery.fingers))
        yield sizes
        yield _gauge(
            "renzheng_gallery_sequence", "The list's last change that is in it; -1: none yet.", gallery.sequence
        )
        yield _gauge("renzheng_sequencer_failing", "1 while this replica's batches fail.", service.sequencer.failing)
        yield _counter("renzheng_evidence_leaves_placed", "Leaves that this replica placed.", counts.placed)
        yield _counter("renzheng_evidence_leaves_late", "Of those, after their promised time.", counts.late)

    def _stored(self) -> Iterator[Metric]:
        try:
            with self._service.database.begin() as connection:
                told = list(self._in_database(connection))
        except (StorageError, DBAPIError):
            # Away, or without our tables: `renzheng_database_up` says so.
            told = []
        yield _gauge("renzheng_database_up", "1 while the database answers.", bool(told))
        yield from told
        yield _gauge("renzheng_key_store_up", "1 while the store of record keys answers.", self._key_store_answers())

    def _in_database(self, connection: Connection) -> Iterator[Metric]:
        service = self._service
        head = feed.head(connection)
        standing = log.standing(connection)
        listed = connection.execute(select(impostors.SEQUENCE)).scalar_one()
        current = migrate.current(connection) == migrate.head()
        behind = max(0, listed - service.impostors.gallery.sequence)
        yield _gauge("renzheng_feed_head", "The newest number in the database.", head.seq)
        yield _gauge(
            "renzheng_feed_lag_events", "Events that streams were not told.", head.seq - service.feed.ring.last
        )
        yield _gauge("renzheng_gallery_lag_changes", "Changes of the list that the gallery lacks.", behind)
        yield _gauge("renzheng_evidence_leaves", "Leaves in the tree.", standing.size)
        yield _gauge("renzheng_evidence_waiting_leaves", "Leaves without a place yet.", standing.waiting)
        yield _gauge("renzheng_evidence_lag_seconds", "How long the oldest of them waits.", standing.oldest_wait_s)
        yield _gauge("renzheng_evidence_overdue_leaves", "Leaves past their promised time.", standing.overdue)
        removing = runs.standing(connection, datetime.now(UTC))
        yield _gauge(
            "renzheng_retention_clock_doubted",
            "1 while nothing is removed, for the database's clock may not be right.",
            removing.clock_doubted,
        )
        yield _gauge("renzheng_retention_age_hours", "Since a run last came to its end.", removing.late_h)
        yield _gauge("renzheng_schema_current", "1 at the schema that this version knows.", current)

    def _key_store_answers(self) -> bool:
        try:
            self._service.keys.of_records.database.check()
        except StorageError:
            return False
        return True


def _gauge(name: str, meaning: str, value: float, **labels: str) -> Metric:
    told = GaugeMetricFamily(name, meaning, labels=list(labels))
    told.add_metric(list(labels.values()), float(value))
    return told


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(name, meaning, value=float(value))
