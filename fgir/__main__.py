"""``python -m fgir`` is ``fgir``."""

from fgir.cli import main

main()
