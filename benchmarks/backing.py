"""The PostgreSQL, RabbitMQ and Redis that are measured with: databases and vhosts of our own, dropped after use."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import LiteralString, cast
from urllib.parse import urlsplit

import psycopg
from psycopg import sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """Where the services are; the names in the addresses are prefixes of what is made there."""

    database_url: str
    broker_url: str
    cache_url: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Backing":
        """BENCH_DATABASE_URL, BENCH_BROKER_URL and BENCH_CACHE_URL, by default the standard local ports."""
        return cls(
            database_url=environment.get("BENCH_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/h_bench"),
            broker_url=environment.get("BENCH_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672/h_bench"),
            cache_url=environment.get("BENCH_CACHE_URL", "redis://127.0.0.1:6379/6"),
        )

    def database(self, suffix: str) -> str:
        """The address of one of our databases."""
        return f"{self.database_url}_{suffix}"

    @contextlib.contextmanager
    def fresh_database(self, suffix: str, *, template: str = "template0") -> Iterator[str]:
        """An empty database, or a copy of another of ours; its address."""
        address = self.database(suffix)
        name = sql.Identifier(_name(address))
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        source = template if template == "template0" else _name(self.database(template))
        try:
            self._administer(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(source)))
            yield address
        finally:
            self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    @contextlib.contextmanager
    def fresh_vhost(self, suffix: str) -> Iterator[str]:
        """An empty vhost; its address. Where rabbitmqctl cannot be used, the vhost of the address as it is."""
        if shutil.which("rabbitmqctl") is None:
            yield self.broker_url
            return
        address = f"{self.broker_url}_{suffix}"
        user = urlsplit(address).username or "guest"
        _control("delete_vhost", _name(address), check=False)
        try:
            _control("add_vhost", _name(address))
            _control("set_permissions", "-p", _name(address), user, ".*", ".*", ".*")
            yield address
        finally:
            _control("delete_vhost", _name(address), check=False)

    def _administer(self, statement: sql.Composed) -> None:
        parts = urlsplit(self.database_url)
        with psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as connection:
            connection.execute(statement)


def query(address: str, statement: str, *values: object) -> list[tuple[object, ...]]:
    """Run a statement of ours in a database of ours; its rows, none when it returns nothing."""
    with psycopg.connect(address, autocommit=True) as connection:
        # Without values, a percent sign in a statement is just one.
        cursor = connection.execute(cast(LiteralString, statement), values or None)
        return cursor.fetchall() if cursor.description else []


def _name(address: str) -> str:
    return urlsplit(address).path.lstrip("/")


def _control(*arguments: str, check: bool = True) -> None:
    # In a session of its own: Ctrl-C must not end what cleans up.
    subprocess.run(
        ["rabbitmqctl", "-q", *arguments], check=check, capture_output=True, timeout=60, start_new_session=True
    )
