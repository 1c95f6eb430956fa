"""The benchmark: `make bench`, or `python -m tests.bench`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest does: `support` lies beside this folder
