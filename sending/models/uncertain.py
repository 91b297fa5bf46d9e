"""Messages in doubt as a list of their own in the console."""

from django.utils.translation import gettext_lazy as _

from sending.models.message import Message


class UncertainMessage(Message):
    """A message that may or may not have gone out, waiting for a person's word; the console's view of the same rows."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = _("message in doubt")
        verbose_name_plural = _("messages in doubt")
