"""Looks over a site and says what ails it: one probe a concern, in a registry."""

from hammy_project.doctor import (
    broker,
    campaigning,
    database,
    machine,
    notifying,
    printing,
    pushing,
    queue,
    requests,
    scheduling,
    signing,
    smtp,
    templates,
)
from hammy_project.doctor.findings import Finding, Level, Probe, examine

PROBES: tuple[Probe, ...] = (
    database.reachable,
    database.migrated,
    database.writable,
    database.clock,
    broker.confirms,
    smtp.servers,
    signing.certificate,
    templates.compile_all,
    machine.secret_key,
    machine.disk,
    machine.storage,
    machine.external_root,
    machine.spool,
    printing.press_works,
    printing.batches,
    queue.stuck,
    queue.held,
    queue.ticks,
    requests.by_queue,
    scheduling.overdue,
    campaigning.stranded,
    campaigning.forgotten,
    notifying.deliveries,
    notifying.secrets,
    notifying.outbound,
    pushing.push_keys,
)

__all__ = ["PROBES", "Finding", "Level", "Probe", "examine"]
