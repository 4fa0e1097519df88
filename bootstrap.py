#!/usr/bin/env python3
"""Set up and run or test Qudao from a fresh clone: `python3 bootstrap.py run`, `python3 bootstrap.py test`.

Only the standard library; the parts are in tools/boot. This file must parse in any Python, so that a wrong one gets a clear sentence.
"""

import os
import sys

OLDEST = (3, 11)
NEWEST = (3, 14)


def right_python():
    """Go on with a Python that fits: this one, else one on the path, else say what to install."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    here = ".".join(str(part) for part in sys.version_info[:3])
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            other = os.path.join(folder, "python3.%d" % minor)  # noqa: UP031 - an old Python reads this line
            if os.access(other, os.X_OK):
                os.execv(other, [other, os.path.abspath(__file__)] + sys.argv[1:])
    sys.exit("Qudao needs Python 3.11 to 3.14 and this is %s: install one (on Debian 12: apt install python3 python3-venv)." % here)  # noqa: UP031


if __name__ == "__main__":
    right_python()
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "tools"))
    from boot import main

    sys.exit(main.main(sys.argv[1:]))
