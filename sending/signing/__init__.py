"""The site's signature: on mails (S/MIME) and within PDF documents (PAdES), by one key."""

from sending.signing.identity import Identity, Unusable, current, identity, is_configured, load
from sending.signing.mail import signed_entity
from sending.signing.pdf import sign_pdf

__all__ = ["Identity", "Unusable", "current", "identity", "is_configured", "load", "sign_pdf", "signed_entity"]
