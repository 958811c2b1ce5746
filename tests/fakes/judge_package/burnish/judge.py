"""Stands in for burnish.judge where PYTHONPATH names this folder's parent."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from fake_judge import main

sys.exit(main())
