"""The console's pages of the sending floor."""

from sending.admin import lanes, messages, suppressions, template_versions, templates, uncertain

__all__ = ["lanes", "messages", "suppressions", "template_versions", "templates", "uncertain"]
