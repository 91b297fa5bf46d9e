"""The console's pages of the sending floor."""

from sending.admin import (
    documents,
    lanes,
    messages,
    printing,
    suppressions,
    template_versions,
    templates,
    uncertain,
)

__all__ = [
    "documents",
    "lanes",
    "messages",
    "printing",
    "suppressions",
    "template_versions",
    "templates",
    "uncertain",
]
