"""The console's pages of the sending floor."""

from sending.admin import lanes, messages, printing, template_versions, templates, uncertain

__all__ = ["lanes", "messages", "printing", "template_versions", "templates", "uncertain"]
