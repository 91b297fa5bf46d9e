"""The door for web servers: granian, gunicorn, uwsgi."""

import gc
import os

from django.core.wsgi import get_wsgi_application

from hammy_project.any_request import AnyRequest
from hammy_project.slow_bodies import WatchedApplication

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hammy_project.settings")
handler = get_wsgi_application()
handler.request_class = AnyRequest
application = WatchedApplication(handler)

# What is loaded by now stays: looking through it for garbage stops all requests of a process for a tenth of a second.
gc.collect()
gc.freeze()
# A request makes a few thousand objects that need no collector; by the default it would look after each few requests.
gc.set_threshold(20_000, 20, 20)
