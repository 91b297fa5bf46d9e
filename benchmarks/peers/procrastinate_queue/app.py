"""The quickstart's app with a job that does nothing; the tables are made by ``procrastinate schema --apply``."""

import os

import procrastinate

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URL"]))


@app.task(queue="noop")
async def nothing() -> None:
    """Done at once."""
