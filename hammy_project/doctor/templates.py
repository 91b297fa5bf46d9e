"""Letter templates: those in use compile with this version of the code."""

from collections.abc import Iterator

from hammy_project.doctor.findings import Finding, failure, ok
from sending.models import TemplateVersion
from sending.rendering import compile_version
from sending.states import VersionStatus
from sending.templating import TemplateError


def compile_all() -> Iterator[Finding]:
    """Each enabled version."""
    count = 0
    versions = TemplateVersion.objects.filter(status=VersionStatus.ENABLED).select_related("template")
    for version in versions.order_by("template__name", "version").iterator():
        try:
            compile_version(version)
            count += 1
        except TemplateError as error:
            yield failure(f"template {version}", str(error))
    yield ok("templates", f"{count} enabled versions compile")
