"""What a body costs the SOAP door of Send V2 beside itself (S9): long attachments next to nothing, all else its size a
few times, enemies little."""

import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from tests.gateway.test_soap_reading import ENEMIES
from tests.sending.send_v2_calls import elements, envelope

MIB = 1024 * 1024
INLINE = "<properties><property><key>ATTACHMENT_SOURCE</key><value>INLINE</value></property></properties>"

# With a child for each body, whose peak is nobody else's and begins with what it inherits.
_MEASURE = """
import django, os, sys, time
django.setup()
from pathlib import Path
from gateway.errors import Refusal
from gateway.incoming import Incoming
from gateway.soap_reading import read_envelope
from sending.send_v2.xml import SHAPE, Elements
from tests.sending.send_v2_calls import elements, envelope

def read(body):
    with Incoming() as incoming:
        try:
            letter = Elements(read_envelope(body, shape=SHAPE).fields, incoming).read().letter
            return sum(attachment.size for attachment in letter.attachments)
        except Refusal as refusal:
            return str(refusal)

def measure(path):
    most = lambda: int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
    body = path.read_bytes()
    before, began = most(), time.process_time()
    told = read(body)
    print(most() - before, time.process_time() - began, told, sep="|", flush=True)

read(envelope("sendMail", elements()).encode())
for path in sorted(Path(sys.argv[1]).iterdir(), key=lambda path: int(path.name)):
    if not (child := os.fork()):
        measure(path)
        os._exit(0)
    os.waitpid(child, 0)
"""


def costs(bodies: Iterable[bytes], folder: Path) -> list[tuple[int, float, str]]:
    """Of each body the memory beside it in KiB, the seconds, and what was read."""
    (folder / "bodies").mkdir()
    for number, body in enumerate(bodies):
        (folder / "bodies" / str(number)).write_bytes(body)
    lines = run(_MEASURE, str(folder / "bodies"), folder=folder)
    parts = [line.split("|") for line in lines]
    return [(int(kibibytes), float(seconds), told) for kibibytes, seconds, told in parts]


def run(code: str, *arguments: str, folder: Path) -> list[str]:
    """What a process prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=settings.BASE_DIR,
        env={"DJANGO_SETTINGS_MODULE": "hammy_project.settings", "LOG_LEVEL": "ERROR", "VAR_DIR": str(folder),
             "SECRET_KEY": settings.SECRET_KEY, "PYTHONPATH": str(settings.BASE_DIR)},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def letter(*contents: str, **members: str) -> str:
    attachments = "".join(
        f"<attachment><fileName>a.pdf</fileName><content>{content}</content>{INLINE}</attachment>"
        for content in contents
    )
    return envelope("sendMail", f"{elements(**members)}<attachments>{attachments}</attachments>")


def digits(size: int) -> str:
    return b64encode(bytes(range(256)) * (size // 256)).decode()


def test_long_attachments_cost_next_to_nothing(tmp_path: Path) -> None:
    """Requests as large as they may be."""
    bodies = [
        letter(digits(23 * MIB)).encode(),
        letter(digits(11 * MIB), digits(12 * MIB), mailSubject="Ő").encode(),
        letter(digits(23 * MIB).replace("8PHy8", "8PHy8&#13;\n")).encode(),
    ]
    assert all(30 * MIB < len(body) < settings.HAMMY_MAX_REQUEST_BYTES for body in bodies)
    found = costs(bodies, tmp_path)
    assert [(kibibytes < 8 * 1024, told) for kibibytes, _, told in found] == [(True, str(23 * MIB))] * 3, found


def test_whatever_is_in_a_body_costs_six_times_its_size_at_most(tmp_path: Path) -> None:
    smile = "\N{GRINNING FACE}"
    bodies = [
        letter(digits(11 * MIB)).encode("utf-16"),
        letter(digits(11 * MIB), mailBody=smile).encode("utf-16"),
        letter(*[digits(40_000)] * 600).encode(),
        letter(mailBody="á" * 4_900_000, mailHtmlBody="ő" * 4_900_000, xmlData="ő" * 4_900_000).encode(),
        letter(mailBody=smile * 2_400_000, mailHtmlBody="x" * 9_900_000 + smile, partnerRef="x" * 9_900_000).encode(),
    ]
    found = costs(bodies, tmp_path)
    assert len(found) == len(bodies)
    shares = [kibibytes * 1024 / len(body) for (kibibytes, _, _), body in zip(found, bodies, strict=True)]
    assert max(shares) < 6, shares


def test_s9_long_base64_that_is_none_costs_little(tmp_path: Path) -> None:
    contents = ["*" * 30 * MIB, "&" * 30 * MIB, "&#13;" * 6 * MIB, "&xxe;" * 6 * MIB, "=" * 30 * MIB,
                "A=" + " " * 30 * MIB, "A" * (30 * MIB + 1)]  # fmt: skip
    found = costs((letter(content).encode() for content in contents), tmp_path)
    assert [(kibibytes < 8 * 1024, seconds < 0.5) for kibibytes, seconds, _ in found] == [(True, True)] * 7, found
    told = "attachments[0].content: must be base64"
    assert [words for _, _, words in found] == [told, told, "0", told, told, told, told]


_TIME = """
import django, time
django.setup()
from gateway.errors import Refusal
from gateway.soap_reading import read_envelope
from sending.send_v2.xml import SHAPE
from tests.gateway.test_soap_reading import ENEMIES, call

def counted():
    seen = {}
    for number in range(200_000):
        seen[number % 1000] = str(number)

def refused():
    try:
        read_envelope(body, shape=SHAPE)
    except Refusal:
        return
    raise AssertionError("it was read")

def least(act, rounds=3):
    seconds = []
    for _ in range(rounds):
        began = time.process_time()
        act()
        seconds.append(time.process_time() - began)
    return min(seconds)

for name, text in ENEMIES.items():
    body = eval(text).encode()
    print(name, least(refused) / least(counted), sep="|")
"""


def test_s9_enemies_of_the_parser_are_refused_here_too(tmp_path: Path) -> None:
    """The same ones as at the other door, though this one leaves long texts out of what it parses. Measured beside
    200,000 steps of a loop, which take this machine as long as they take it now; three times that is the most seen."""
    costs = {name: float(text) for name, _, text in (line.partition("|") for line in run(_TIME, folder=tmp_path))}
    assert {name for name, cost in costs.items() if cost >= 8} == set(), costs
    assert set(costs) == set(ENEMIES)
