"""The ground floor."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GatewayConfig(AppConfig):
    """Who comes in, how we speak, how we go out."""

    name = "gateway"
    label = "gateway"
    verbose_name = _("Clients")
    default_auto_field = "django.db.models.BigAutoField"
