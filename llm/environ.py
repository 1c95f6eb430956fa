"""The only place here that touches the environment: what pip's children and native code can be told in no other way."""

import os
from pathlib import Path


def for_pip(scratch: Path) -> dict[str, str]:
    """A child's environment. Its temporary files go to `scratch`, where the free space was checked."""
    return {**os.environ, "TMPDIR": str(scratch), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def prepare_native() -> None:
    """Before native code's first import: OpenMP threads that wait for each other spin some microseconds, then sleep.

    Measured on two cores, default model, tokens written a second with both cores free and with one of them busy:
    libgomp's own long spinning 13.8 and 4.3, this 13.5 and 6.0, sleeping at once (passive) 9.4 and 6.9.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
