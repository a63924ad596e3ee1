"""The methods of both clients, each written once (see `shells.py`)."""

from ..shells import Operation, Walk
from . import cards, oversight, terminals


class Operations:
    """What can be asked of the service, by what one's key may do; see docs/client.md."""

    # Terminals.
    nonce = Operation(terminals.nonce)
    guide = Operation(terminals.guide)
    verify = Operation(terminals.verify)
    attend = Operation(terminals.attend)
    decision = Operation(terminals.decision)
    decisions = Walk(terminals.decisions)
    check = Operation(terminals.check)
    read_check = Operation(terminals.read_check)
    report_transaction = Operation(terminals.report_transaction)
    report_transactions = Operation(terminals.report_transactions)
    transaction = Operation(terminals.transaction)
    transactions = Walk(terminals.transactions)

    # Authorities.
    register_card = Operation(cards.register_card)
    report_card = Operation(cards.report_card)
    card = Operation(cards.card)
    find_cards = Operation(cards.find_cards)
    add_face = Operation(cards.add_face)
    add_fingerprints = Operation(cards.add_fingerprints)
    alerts = Walk(cards.alerts)
    alert = Operation(cards.alert)
    close_alert = Operation(cards.close_alert)
    propose_impostor = Operation(cards.propose_impostor)
    impostors = Walk(cards.impostors)
    impostor = Operation(cards.impostor)
    approve_impostor = Operation(cards.approve_impostor)
    refuse_impostor = Operation(cards.refuse_impostor)
    remove_impostor = Operation(cards.remove_impostor)
    review_impostor = Operation(cards.review_impostor)

    # Supervisors, followers of the feed, watchers of the log.
    enter_override = Operation(oversight.enter_override)
    approve_override = Operation(oversight.approve_override)
    refuse_override = Operation(oversight.refuse_override)
    override = Operation(oversight.override)
    overrides = Walk(oversight.overrides)
    feed_page = Operation(oversight.feed_page)
    changes = Walk(oversight.changes)
    follow = Walk(oversight.follow)
    checkpoint = Operation(oversight.checkpoint)
    grown_since = Operation(oversight.grown_since)
    prove = Operation(oversight.prove)
    log_status = Operation(oversight.log_status)
    leaves = Walk(oversight.leaves)
    signing_keys = Operation(oversight.signing_keys)
    pin = Operation(oversight.pin)
    me = Operation(oversight.me)
    request = Operation(oversight.request)
