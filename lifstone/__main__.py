"""``python -m lifstone``."""

from .cli import main

main()
