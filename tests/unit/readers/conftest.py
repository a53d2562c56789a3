"""The helpers of the unit tests are helpers of these too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
