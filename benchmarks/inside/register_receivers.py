"""``… PORT…``: the client wants to be told of every job at each of these ports."""

import json
import sys

import django

django.setup()

from gateway.lookup import caller_of  # noqa: E402 - only a Django that is set up has models
from gateway.models import ApiClient  # noqa: E402
from notifications import services  # noqa: E402

caller = caller_of(ApiClient.objects.get())
for port in sys.argv[1:]:
    services.register(caller=caller, wish=services.Wish(end_point=f"http://127.0.0.1:{port}/jobs/completed"))
print(json.dumps(len(sys.argv) - 1))
