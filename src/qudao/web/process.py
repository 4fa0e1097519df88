"""How the processes of one installation belong together: a child must not outlive the supervisor that started it."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PARENT = "QUDAO_PARENT"  # set by the supervisor: its process id


def die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent goes, however it goes. Only Linux knows this; elsewhere the next start cleans up."""
    parent = os.environ.get(PARENT)
    if not parent or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):  # it went before we asked
        os.kill(os.getpid(), signal.SIGTERM)
    os.environ[PARENT] = str(os.getpid())  # our own children, such as web workers, belong to us


def settle() -> None:
    """Say that what is loaded by now stays: the collector of cyclic garbage leaves it alone and looks less often at what requests make.

    It took a fifth of the processor time of a page that shows much, going again and again over a million objects of Django and our own that never go.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
