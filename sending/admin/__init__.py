"""The console's pages of the sending floor."""

from sending.admin import (
    bulk_results,
    documents,
    lanes,
    messages,
    printing,
    push_keys,
    pushes,
    subscriptions,
    suppressions,
    template_versions,
    templates,
    uncertain,
)

__all__ = [
    "bulk_results",
    "documents",
    "lanes",
    "messages",
    "printing",
    "push_keys",
    "pushes",
    "subscriptions",
    "suppressions",
    "template_versions",
    "templates",
    "uncertain",
]
