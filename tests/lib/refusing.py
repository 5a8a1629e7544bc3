#!/usr/bin/python3
"""refusing.py [landlock] [seccomp] PROGRAM: runs it as if the kernel had none of that."""
import ctypes
import os
import sys

LANDLOCK, SECCOMP, PRCTL, PR_SET_SECCOMP, ERRNO = 444, 317, 157, 22, 0x00050000


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def refuse(landlock, seccomp):
    """In a process that is about to become a connector: the kernel refuses what is named from now on."""
    lib = ctypes.CDLL("libseccomp.so.2")
    lib.seccomp_init.restype = ctypes.c_void_p
    lib.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p]
    f = lib.seccomp_init(ctypes.c_uint32(0x7fff0000))
    add = lambda call, n=0, arg=None: lib.seccomp_rule_add_array(f, ERRNO | 1, call, n, arg)
    assert not landlock or add(LANDLOCK) == 0
    if seccomp:
        assert add(SECCOMP) == 0
        assert add(PRCTL, 1, ctypes.byref(Compare(0, 4, PR_SET_SECCOMP, 0))) == 0
    lib.seccomp_load.argtypes = [ctypes.c_void_p]
    assert lib.seccomp_load(f) == 0


if __name__ == "__main__":
    refuse("landlock" in sys.argv[1:-1], "seccomp" in sys.argv[1:-1])
    os.execve(sys.argv[-1], sys.argv[-1:], {})
