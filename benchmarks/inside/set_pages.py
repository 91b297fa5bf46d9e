"""``… COUNT PROCESSES``: have bare Typst set so many pages of our letter in so many processes; pages a second."""

import json
import subprocess
import sys
import time

import django

django.setup()

from django.conf import settings  # noqa: E402 - only a Django that is set up has settings

from benchmarks import letters  # noqa: E402
from sending.letters.setting import letter_data  # noqa: E402
from tests.sending.printed import a_parcel  # noqa: E402

# Setting alone: no process between, no database, no file.
_PROGRAM = """
import json, sys, time, typst
source, pages = json.load(sys.stdin)
fonts = typst.Fonts(include_system_fonts=False)
compiler = typst.Compiler(font_paths=fonts, ignore_system_fonts=True)
began = time.monotonic()
for data in pages:
    compiler.compile(input=source.encode(), format="pdf", sys_inputs={"data": data}, timestamp=0)
print(time.monotonic() - began)
"""

count, processes = int(sys.argv[1]), int(sys.argv[2])
source = (settings.BASE_DIR / "templates" / "letters" / "letter.typ").read_text()
parcels = (a_parcel(message_id=number, text=letters.body_of(1500)) for number in range(count // processes))
pages = [json.dumps(letter_data(parcel, day=parcel.created_at.date())) for parcel in parcels]
given = json.dumps([source, pages]).encode()
running = [
    subprocess.Popen([sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for _ in range(processes)
]
began = time.monotonic()
for process in running:
    process.stdin.write(given)
    process.stdin.close()
seconds = max(float(process.stdout.read()) for process in running)
for process in running:
    process.wait()
print(len(pages) * processes / seconds)
