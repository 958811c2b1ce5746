import sys

from burnish.judge.server import main

sys.exit(main())
