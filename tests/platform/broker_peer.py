"""A process at the file broker: ``python -m tests.platform.broker_peer put|take FOLDER QUEUE COUNT``.

put: publishes COUNT messages. take: prints the numbers it took until none came for a second.
"""

import sys
from typing import Any

from kombu import Connection, Consumer, Queue
from kombu.transport import TRANSPORT_ALIASES

TRANSPORT_ALIASES["filesystem"] = "hammy_project.filesystem_broker:Transport"


def connect(folder: str) -> Connection:
    """A connection as the product makes it."""
    return Connection("filesystem://", transport_options={"folder": folder, "polling_interval": 0.02})


def main(mode: str, folder: str, name: str, count: str) -> None:
    """Do as the module's docstring says."""
    queue = Queue(name)
    with connect(folder) as connection:
        if mode == "put":
            producer = connection.Producer()
            for number in range(int(count)):
                producer.publish({"number": number}, routing_key=name, declare=[queue])
            return

        def receive(body: dict[str, int], message: Any) -> None:
            print(body["number"], flush=True)
            message.ack()

        with Consumer(connection, [queue], callbacks=[receive], accept=["json"]):
            while True:
                try:
                    connection.drain_events(timeout=1)
                except TimeoutError:
                    return


if __name__ == "__main__":
    main(*sys.argv[1:])
