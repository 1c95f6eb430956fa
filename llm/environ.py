"""The only place here that touches the environment: what pip's children and native code can be told in no other way."""

import os
from pathlib import Path


def for_pip(scratch: Path) -> dict[str, str]:
    """A child's environment. Its temporary files go to `scratch`, where the free space was checked."""
    return {**os.environ, "TMPDIR": str(scratch), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def prepare_native() -> None:
    """Before native code's first import: idle OpenMP threads sleep, for spinning starves others on the same cores.

    Measured with other load on two cores: generation fell from 24 to 2.5 tokens/s without this.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
