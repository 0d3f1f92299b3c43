"""The families, one file each; every file tells its systems what they know."""

from backend_stub.families import holm_krogh

FAMILIES = (holm_krogh.tell,)
