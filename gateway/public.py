"""The addresses that need no client, with the reason; everything else is authenticated (a test looks).

A SOAP door names its client in the body of each call (gateway.soap); its WSDL is public like ``hammy/openapi``.
"""

PUBLIC_ROUTES = {
    "": "leads to the console",
    "healthz": "says only that the process is alive",
    "readyz": "says only what is ready, for load balancers",
    "metrics": "guarded by its own token and networks",
    "admin/": "the console, with its own login",
    "track": "leads to a job in the console, with the console's login",
    "static/": "files of the console",
    "push/": "the script and worker of pages that subscribe browsers, and a page to try them",
    "hammy/openapi": "the published contract",
    "hammy/docs": "the page of the published contract",
    "i18n/": "switches the console's language",
}
