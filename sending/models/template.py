"""Letter templates and their versions: a message keeps pointing at the version it was accepted with."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sending.states import TemplateStatus, VersionStatus


class Template(models.Model):
    """A named kind of letter (the contract's messageType). No clients named = every client may use it."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    description = models.TextField(_("description"), blank=True)
    status = models.CharField(
        _("status"), max_length=20, default=TemplateStatus.ENABLED, choices=[(s.value, s.value) for s in TemplateStatus]
    )
    clients = models.ManyToManyField("gateway.ApiClient", verbose_name=_("clients"), blank=True, related_name="+")
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TemplateVersion(models.Model):
    """The words of a template at one time, in Jinja2 (contract send_v2: "Templates are Jinja2, sandboxed")."""

    template = models.ForeignKey(
        Template, verbose_name=_("template"), on_delete=models.CASCADE, related_name="versions"
    )
    version = models.PositiveIntegerField(_("version"))
    status = models.CharField(
        _("status"), max_length=20, default=VersionStatus.DRAFT, choices=[(s.value, s.value) for s in VersionStatus]
    )
    subject = models.TextField(_("subject"))
    text = models.TextField(_("text"), blank=True)
    html = models.TextField(_("HTML"), blank=True)
    # A layout of its own for printed letters, in Typst; without one the built-in serves.
    letter = models.TextField(_("letter layout"), blank=True)
    list_unsubscribe = models.CharField(_("List-Unsubscribe"), max_length=500, blank=True)
    sample = models.JSONField(_("sample data"), default=dict, blank=True)
    author = models.CharField(_("author"), max_length=150, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("template version")
        verbose_name_plural = _("template versions")
        ordering = ["template", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["template", "version"], name="sending_templateversion_version_once"),
            models.CheckConstraint(
                condition=~models.Q(text="", html=""), name="sending_templateversion_says_something"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} v{self.version}"
