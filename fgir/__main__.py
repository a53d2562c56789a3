"""``python -m fgir`` is ``fgir``."""

from fgir.cli.main import main

main()
