"""``… TIMES``: decode 2 MB of base64 so often; how often in a second, and by how many bytes the process grew."""

import json
import os
import sys
import time
from base64 import b64decode, b64encode

from benchmarks.processes import forget_peak, peak_bytes
from benchmarks.uploads import random_bytes

times = int(sys.argv[1])
text = b64encode(random_bytes(2)).decode()
forget_peak(os.getpid())
before = peak_bytes(os.getpid())
began = time.perf_counter()
for _ in range(times):
    b64decode(text, validate=True)
seconds = time.perf_counter() - began
print(json.dumps({"rate": times / seconds, "grown": peak_bytes(os.getpid()) - before}))
