"""`python -m ldconf`."""

from ldconf.cli.main import run

run()
