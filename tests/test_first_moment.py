"""The first second of a worker: many ask at once, and nothing was used before."""

from __future__ import annotations

import subprocess
import sys

from portal.settings import Settings

LOOKED_AT_LATER = """
import os, sys, threading
from pathlib import Path
import msgspec
from portal import create_app
from portal.config import load

create_app(load(Path(sys.argv[1]), os.environ))
late = []

def heard(frame, event, arg):
    if event == "call" and frame.f_code.co_name == "get_class_annotations":
        late.append(frame.f_locals["obj"].__name__)

def below(base):
    for each in base.__subclasses__():
        yield each
        yield from below(each)

sys.setprofile(heard)
for each in below(msgspec.Struct):
    msgspec.json.Decoder(each)
sys.setprofile(None)
print(*late)

class Unknown(msgspec.Struct):
    name: str

sys.setprofile(heard)
msgspec.json.Decoder(Unknown)
sys.setprofile(None)
print(*late)
"""


def test_no_record_is_looked_at_by_two_threads_for_the_first_time(settings: Settings) -> None:
    """msgspec crashes then: a worker that was asked twenty things in its first second ended."""
    done = subprocess.run(
        [sys.executable, "-c", LOOKED_AT_LATER, settings.file],
        env=settings.environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    late, heard_at_all = done.stdout.splitlines()
    assert late == ""
    assert heard_at_all == "Unknown"
