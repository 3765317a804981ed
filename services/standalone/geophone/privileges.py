"""Giving up every privilege of the process, for good (capabilities(7)) [shell].

Capabilities are a thread's: this is called while there is only one, before anything is imported
that starts others. It imports the standard library alone.
"""

import ctypes
import os
import pwd
import struct
from collections.abc import Mapping

_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_MOST_CAPABILITIES = 64
_NONE = struct.pack("=6I", *[0] * 6)  # effective, permitted and inheritable, twice 32 bits each

_libc = ctypes.CDLL(None, use_errno=True)


def drop_privileges(environment: Mapping[str, str]) -> None:
    """Have no capability any more, and no way to get one, not even by running another program.

    Root that was become by sudo becomes the user who called sudo again, so that what is written
    is theirs. Other root stays what it is by number; without capabilities it can't write where
    only others may.

    Args:
        environment: of the process; `SUDO_UID` in it counts for root alone.

    Raises:
        OSError: the kernel refused.
    """
    for capability in range(_MOST_CAPABILITIES):
        # Without CAP_SETPCAP the set stays, which then grants nothing: see no_new_privs.
        if _libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    user = environment.get("SUDO_UID", "")
    if os.geteuid() == 0 and user.isascii() and user.isdecimal() and int(user):
        _become(int(user))
    _call("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    _call("capset", struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), _NONE)
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _become(user: int) -> None:
    """Be a user, in their groups, and at home where they are; nothing where there is none."""
    try:
        entry = pwd.getpwuid(user)
    except KeyError:
        return
    os.initgroups(entry.pw_name, entry.pw_gid)
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(user, user, user)
    os.environ["HOME"] = entry.pw_dir


def _call(function: str, *arguments: int | bytes) -> None:
    if getattr(_libc, function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")
