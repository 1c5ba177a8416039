"""`python -m emotify_core` is the `emotify` command."""

import sys

from emotify_core.cli import main

sys.exit(main())
