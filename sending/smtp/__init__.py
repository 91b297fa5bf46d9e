"""Speaking SMTP: a session that is kept, a connection of it, a transaction on that."""

from sending.smtp.connection import Patience
from sending.smtp.session import SmtpSession

__all__ = ["Patience", "SmtpSession"]
