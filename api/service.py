"""What a running service consists of; built once at start, passed to every request."""

from dataclasses import dataclass, field
from functools import partial

from api.cards import reasons
from api.evidence.sequencer import Sequencer
from api.feed import tagging
from api.feed.broadcast import Broadcaster
from api.feed.snapshots import publishing
from api.feed.snapshots.making import SnapshotMaker
from api.feed.webhooks.delivering import Deliverer
from api.institutions import deployment
from api.matching import transforms
from api.matching.comparison import Comparer
from api.operations.admission import Admission
from api.operations.ending import Draining
from api.personal.faces import FaceWatch
from api.personal.finishing import finish
from api.personal.retention.keeper import RetentionKeeper
from api.population.findings import PopulationRegister
from api.population.opening import open_register
from api.screening.keeping import GalleryKeeper
from api.settings import Settings
from api.storage import database, keys, migrate
from api.storage.forgetting import Forgetter
from api.storage.recordkeys.opening import with_records
from api.verification import policy


@dataclass(frozen=True)
class Service:
    """The parts. Replicas hold no state of their own beside these."""

    settings: Settings
    database: database.Database
    keys: keys.Keys
    policy: policy.Policy
    comparer: Comparer
    sequencer: Sequencer
    feed: Broadcaster
    webhooks: Deliverer
    snapshots: SnapshotMaker
    forgetter: Forgetter
    impostors: GalleryKeeper
    retention: RetentionKeeper
    faces: FaceWatch
    register: PopulationRegister | None = None
    admission: Admission = field(default_factory=Admission)
    draining: Draining = field(default_factory=Draining)

    def close(self) -> None:
        """End the feed's streams, the sequencer and the rest, and let go of the database and of the other register."""
        self.feed.stop()
        self.webhooks.stop()
        self.snapshots.stop()
        self.forgetter.stop()
        self.retention.stop()
        self.faces.stop()
        self.impostors.stop()
        self.sequencer.stop()
        self.database.close()
        self.keys.of_records.close()
        if self.register is not None:
            self.register.close()


def _tidy(data: database.Database, secrets: keys.Keys) -> None:
    """What is done every minute for what had to wait. Raises `StorageError`."""
    finish(data, secrets)
    reasons.seal_waiting(data, secrets)


def build(settings: Settings, comparer: Comparer) -> Service:
    """Open everything and migrate the database.

    Raises `PolicyInvalid`, `KeyUnavailable`, `KeyStoreForeign`, `KeyStoreUnusable`, `RegisterKeyUnusable` or
    `DatabaseUnavailable`, each with the reason.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    rules = policy.load(settings.policy_path)
    secrets = keys.load(settings.keys_dir)
    opened = database.open_database(settings)
    migrate.upgrade(opened)
    with opened.begin() as connection:
        deployment_id = publishing.deployment_id(connection)
    secrets = with_records(settings, opened, secrets, deployment_id)
    deployment.record_changes(opened, secrets, rules.version)
    tagging.retag(opened, secrets)
    transforms.prepare(opened, secrets)
    register = open_register(settings)
    sequencer = Sequencer(opened, secrets)
    sequencer.start()
    webhooks = Deliverer(opened, secrets, settings.webhook_allowed)
    webhooks.start()
    feed = Broadcaster(opened, secrets, settings.feed_streams, on_news=webhooks.wake)
    feed.start()
    snapshots = SnapshotMaker(opened, secrets, settings.home / "snapshots")
    snapshots.start()
    forgetter = Forgetter(opened, settings.idempotency_days, partial(_tidy, opened, secrets))
    forgetter.start()
    fpir = rules.screening.fpir
    impostors = GalleryKeeper(opened, secrets, comparer, fpir, settings.home / "impostors")
    impostors.start()
    retention = RetentionKeeper(opened, secrets, settings)
    retention.start()
    faces = FaceWatch(opened, secrets, settings.stored_faces_alarm)
    faces.start()
    admission = Admission(settings.compute_threads, settings.most_wait_s)
    return Service(
        settings,
        opened,
        secrets,
        rules,
        comparer,
        sequencer,
        feed,
        webhooks,
        snapshots,
        forgetter,
        impostors,
        retention,
        faces,
        register,
        admission,
    )
