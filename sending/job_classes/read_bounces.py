"""Reads mail that came back."""

from typing import ClassVar

from django.conf import settings

from jobs import services as job_services
from jobs.context import Context
from jobs.params import NoParams
from jobs.registry import JobClass, JobFailed, Outcome
from jobs.states import Queue
from sending import bouncing
from sending.bouncing import Verdict
from sending.mailboxes import ImapMailbox, MailboxError


class ReadBounces(JobClass[NoParams]):
    """Takes in what nobody has read yet of the mailbox of HAMMY_BOUNCE_IMAP_URL. What was taken in is not there when a
    run is gone on with, and would change nothing if it were."""

    name: ClassVar[str] = "hu.dbx.hammy.processor.bounce.ReadBouncesJobRunner"
    queue = Queue.LONG
    is_resumable = True
    time_limit = 3600.0

    def concurrency_key(self, params: NoParams) -> str:
        return "read bounces"

    def run(self, context: Context[NoParams]) -> Outcome:
        if settings.HAMMY_BOUNCE_IMAP is None:
            raise JobFailed("HAMMY_BOUNCE_IMAP_URL is not set: there is no mailbox to read")
        try:
            with ImapMailbox(settings.HAMMY_BOUNCE_IMAP) as box:
                counts = bouncing.read(job_services.owner_of(context.job), box, after_each=context.checkpoint)
        except MailboxError as error:
            raise JobFailed(str(error)) from error
        context.log(", ".join(f"{verdict}: {counts[verdict]}" for verdict in Verdict))
        context.progress(counts.total(), counts.total())
        return None
