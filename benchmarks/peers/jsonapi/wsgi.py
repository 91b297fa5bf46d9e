"""What the web server loads."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peers.jsonapi.settings"
application = get_wsgi_application()
