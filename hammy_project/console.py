"""How the console looks: its title, its colours and its menu, as django-unfold wants them."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _


def _with(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def _item(title: Any, icon: str, page: str, permission: str = "", **more: Any) -> dict[str, Any]:
    item = {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{page}"), **more}
    return item | ({"permission": _with(permission)} if permission else {})


def _is_schedules(request: HttpRequest) -> bool:
    # The month's page lies below, and has an item of its own.
    path, month = request.path, reverse("admin:schedules_schedule_month")
    return path.startswith(reverse("admin:schedules_schedule_changelist")) and path != month


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Hammy",
    "SITE_HEADER": "Hammy",
    "SITE_SUBHEADER": _("Letters, delivered once"),
    "SITE_SYMBOL": "outgoing_mail",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("console/icon.svg")},
    ],
    "SITE_URL": None,
    "SHOW_LANGUAGES": True,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "hammy_project.dashboard.fill",
    "STYLES": [lambda request: static("console/console.css")],
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "oklch(97.7% .014 210)",
            "100": "oklch(94.6% .033 210)",
            "200": "oklch(89.5% .058 210)",
            "300": "oklch(81.5% .095 212)",
            "400": "oklch(70.5% .12 215)",
            "500": "oklch(60.5% .115 220)",
            "600": "oklch(51% .1 225)",
            "700": "oklch(44% .085 226)",
            "800": "oklch(38% .07 228)",
            "900": "oklch(33% .06 230)",
            "950": "oklch(25% .05 232)",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "items": [
                    _item(_("Overview"), "space_dashboard", "index"),
                    _item(_("Messages"), "mail", "sending_message_changelist", "sending.view_message"),
                    _item(
                        _("In doubt"),
                        "help",
                        "sending_uncertainmessage_changelist",
                        "sending.view_message",
                        badge="hammy_project.dashboard.uncertain_badge",
                        badge_variant="danger",
                    ),
                    _item(_("Documents"), "inventory_2", "sending_dmsdocument_changelist", "sending.view_dmsdocument"),
                    _item(_("Print batches"), "print", "sending_printbatch_changelist", "sending.view_printbatch"),
                    _item(
                        _("Suppressed addresses"),
                        "block",
                        "sending_suppression_changelist",
                        "sending.view_suppression",
                    ),
                    _item(_("Templates"), "description", "sending_template_changelist", "sending.view_template"),
                ],
            },
            {
                "title": _("Campaigns"),
                "separator": True,
                "items": [
                    _item(_("Campaigns"), "campaign", "campaigns_campaign_changelist", "campaigns.view_campaign"),
                    _item(
                        _("Recipient groups"),
                        "groups_2",
                        "campaigns_recipientgroup_changelist",
                        "campaigns.view_recipientgroup",
                    ),
                    _item(_("Recipients"), "contacts", "campaigns_recipient_changelist", "campaigns.view_recipient"),
                ],
            },
            {
                "title": _("Pushes"),
                "separator": True,
                "items": [
                    _item(_("Pushes"), "notifications_active", "sending_push_changelist", "sending.view_push"),
                    _item(_("Browsers"), "devices", "sending_subscription_changelist", "sending.view_subscription"),
                    _item(_("Push keys"), "vpn_key", "sending_vapidkey_changelist", "sending.view_vapidkey"),
                ],
            },
            {
                "title": _("Jobs"),
                "separator": True,
                "items": [
                    _item(_("Jobs"), "work_history", "jobs_job_changelist", "jobs.view_job"),
                    _item(_("Triggers"), "bolt", "jobs_trigger_changelist", "jobs.view_trigger"),
                    _item(_("Firings"), "event_repeat", "jobs_triggerfiring_changelist", "jobs.view_triggerfiring"),
                ],
            },
            {
                "title": _("Schedules"),
                "separator": True,
                "items": [
                    _item(
                        _("Schedules"),
                        "event",
                        "schedules_schedule_changelist",
                        "schedules.view_schedule",
                        active=_is_schedules,
                    ),
                    _item(_("What will fire"), "calendar_month", "schedules_schedule_month", "schedules.view_schedule"),
                    _item(_("Firings"), "event_available", "schedules_firing_changelist", "schedules.view_firing"),
                ],
            },
            {
                "title": _("Notifications"),
                "separator": True,
                "items": [
                    _item(
                        _("Registrations"),
                        "notifications",
                        "notifications_registration_changelist",
                        "notifications.view_registration",
                    ),
                    _item(
                        _("Places called back"),
                        "phone_callback",
                        "notifications_target_changelist",
                        "notifications.view_target",
                    ),
                    _item(
                        _("Deliveries"),
                        "outbox",
                        "notifications_delivery_changelist",
                        "notifications.view_delivery",
                    ),
                ],
            },
            {
                "title": _("Ways out"),
                "separator": True,
                "items": [
                    _item(_("Lanes"), "alt_route", "sending_lane_changelist", "sending.view_lane"),
                    _item(
                        _("Dispatchers"), "conveyor_belt", "sending_dispatcher_changelist", "sending.view_dispatcher"
                    ),
                ],
            },
            {
                "title": _("Who comes in"),
                "separator": True,
                "items": [
                    _item(_("Clients"), "hub", "gateway_apiclient_changelist", "gateway.view_apiclient"),
                    _item(_("Users"), "person", "auth_user_changelist", "auth.view_user"),
                    _item(_("Groups"), "groups", "auth_group_changelist", "auth.view_group"),
                    _item(_("Erase a person"), "person_remove", "sending_message_erase", "sending.erase_person"),
                    _item(_("Failed logins"), "lock", "axes_accessattempt_changelist", "axes.view_accessattempt"),
                ],
            },
            {
                "title": _("System"),
                "separator": True,
                "items": [
                    _item(_("Audit trail"), "history", "admin_logentry_changelist", "admin.view_logentry"),
                    _item(
                        _("Periodic tasks"),
                        "schedule",
                        "django_celery_beat_periodictask_changelist",
                        "django_celery_beat.view_periodictask",
                    ),
                ],
            },
        ],
    },
}
