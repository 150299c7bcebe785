"""A seccomp filter for sessions, put together here and installed through prctl.

Covers: x86-64. No new processes (threads only), no programs, no sockets, no signals except to
itself, no look into or hold over other processes, no messages to anybody by way of a socket pair,
no leases, locks or watches on files that others use, no mounting, no interfaces of the operating
system's kernel, nothing that a session could not undo (filters of its own, locked memory), no
shared memory or memfd and no descriptors in flight (nothing would count them), no closing of the
session's own pipes. Optionally no writing to any file. Does not cover: which files may be read or
written (a filter sees no paths), other machines.

Numbers and constants: Linux's `syscall_64.tbl` and UAPI headers.
"""

import ctypes
import errno
import platform
import struct
from collections.abc import Iterable

_ARCHITECTURE = 0xC000003E  # AUDIT_ARCH_X86_64; 32-bit calls come under another one
_FIRST_UNKNOWN = 457
"""Calls from here on are newer than this list, and answered as an older Linux would."""
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
"""Actions. `_ERRNO` alone answers with success and without effect."""
_NOTIFY = 0x7FC00000
"""The call waits for the answer of whoever holds the filter's listener."""
_FTRUNCATE = 77
_EPERM, _EAGAIN, _EACCES = _ERRNO | errno.EPERM, _ERRNO | errno.EAGAIN, _ERRNO | errno.EACCES
_EBADF, _EROFS = _ERRNO | errno.EBADF, _ERRNO | errno.EROFS
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_INSTRUCTION = struct.Struct("=HBBI")
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET, _ARGUMENTS_OFFSET = 0, 4, 16
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_SECCOMP, _SET_MODE_FILTER, _NEW_LISTENER = 317, 1, 8
_kept: list[ctypes.Array[ctypes.c_char]] = []

_REFUSED: dict[int, tuple[int, ...]] = {
    # Answered as if the process limit were reached: fork, vfork.
    errno.EAGAIN: (57, 58),
    # Answered as by a Linux without them, so that libraries take the older way: clone3; io_uring
    # setup, enter, register; userfaultfd; inotify_init, inotify_add_watch, inotify_init1; io_setup;
    # Landlock's three.
    errno.ENOSYS: (435, 425, 426, 427, 323, 253, 254, 294, 206, 444, 445, 446),
    # Answered as by a file system without it, so that libraries write: fallocate, whose room would
    # not count as written.
    errno.EOPNOTSUPP: (285,),
    # Answered as if memory were used up: shmget, shmat, memfd_create, memfd_secret,
    # remap_file_pages.
    errno.ENOMEM: (29, 30, 319, 447, 216),
    # Network: socket, connect, accept, bind, listen, accept4. Messages that may carry descriptors,
    # of which those under way are counted nowhere: sendmsg, sendmmsg.
    errno.EACCES: (41, 42, 43, 49, 50, 288, 46, 307),
    errno.EPERM: (
        # Programs and process groups: execve, execveat, setpgid, setsid.
        *(59, 322, 109, 112),
        # Signals and other processes: tkill, pidfd_send_signal, pidfd_open, pidfd_getfd, ptrace,
        # process_vm_readv, process_vm_writev, kcmp, process_madvise, process_mrelease.
        *(200, 424, 434, 438, 101, 310, 311, 312, 440, 448),
        # Scheduling, which reaches processes of the same user: setpriority, sched_setparam,
        # sched_setscheduler, sched_setattr, ioprio_set, migrate_pages, move_pages.
        *(141, 142, 144, 314, 251, 256, 279),
        # Mounts and namespaces: pivot_root, chroot, mount, umount2, unshare, setns, open_tree,
        # move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr.
        *(155, 161, 165, 166, 272, 308, 428, 429, 430, 431, 432, 433, 442),
        # The machine: vhangup, modify_ldt, acct, settimeofday, swapon, swapoff, reboot,
        # sethostname, setdomainname, iopl, ioperm, create_module, init_module, delete_module,
        # get_kernel_syms, query_module, quotactl, nfsservctl, syslog, adjtimex, clock_settime,
        # clock_adjtime, kexec_load, kexec_file_load, finit_module, bpf, perf_event_open,
        # lookup_dcookie, personality, quotactl_fd.
        *(153, 154, 163, 164, 167, 168, 169, 170, 171, 172, 173, 174, 175, 176, 177, 178, 179),
        *(180, 103, 159, 227, 305, 246, 320, 313, 321, 298, 212, 135, 443),
        # Keys and handles: add_key, request_key, keyctl, name_to_handle_at, open_by_handle_at,
        # fanotify_init, fanotify_mark.
        *(248, 249, 250, 303, 304, 300, 301),
        # Another identity: setuid, setgid, setreuid, setregid, setgroups, setresuid, setresgid,
        # setfsuid, setfsgid, capset.
        *(105, 106, 113, 114, 116, 117, 119, 122, 123, 126),
        # System V and POSIX queues and semaphores: shmctl, semget, semop, semctl, msgget, msgsnd,
        # msgrcv, msgctl, semtimedop, mq_open, mq_unlink.
        *(31, 64, 65, 66, 68, 69, 70, 71, 220, 240, 241),
        # What cannot be undone: timer_create (past Python's own), mlock, mlockall, mlock2, seccomp.
        *(222, 149, 151, 325, 317),
        # Files: mknod, mknodat, truncate by path, extended attributes.
        *(133, 259, 76, 188, 189, 190, 197, 198, 199),
    ),
    # Answered with success and without effect, because Landlock does not cover them and libraries
    # that copy files call them: chmod, fchmod, fchmodat, fchmodat2, chown, fchown, lchown,
    # fchownat, utime, utimes, futimesat, utimensat, sync, syncfs. And flock, which could hold up
    # another session: a session's own files have nobody else to lock out.
    0: (90, 91, 268, 452, 92, 93, 94, 260, 132, 235, 261, 280, 162, 306, 73),
}

_WRITING = (77, 82, 83, 84, 85, 86, 87, 88, 258, 263, 264, 265, 266, 316, 285, 437)
"""ftruncate, rename, mkdir, rmdir, creat, link, unlink, symlink, their `at` forms, fallocate,
openat2 (whose flags a filter cannot see)."""
_OPENING = {2: 1, 257: 2}
"""open and openat, with the position of their flags."""
_WRITE_FLAGS = 0o1 | 0o2 | 0o100 | 0o1000

_SIGNALLING = {62: 0, 234: 0, 129: 0, 297: 0}
"""kill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo, with the position of the process."""
_CLONE, _CLONE_THREAD = 56, 0x10000
_FCNTL, _FCNTL_REFUSED = 72, (8, 10, 15, 1024, 1026)
"""F_SETOWN, F_SETSIG, F_SETOWN_EX make Linux signal others; F_SETLEASE holds up whoever opens
a file, a module of Python for example; F_NOTIFY watches a folder."""
_IOCTL, _IOCTL_REFUSED = (
    16,
    (
        *(0x5412, 0x540E, 0x541C, 0x5452, 0x8901, 0x8902),
        *(0x40086602, 0x401C5820, 0x40806685, 0x800C6613),
    ),
)
"""TIOCSTI, TIOCSCTTY, TIOCLINUX, FIOASYNC, FIOSETOWN, SIOCSPGRP; attributes, verity and encryption
of files, which could keep them from being removed."""
_PRCTL = 157
_PRCTL_ALLOWED = (2, 3, 7, 15, 16, 21, 23, 25, 27, 30, 38, 39, 40, 42, 0x53564D41)
"""What only reads, names of threads and mappings, no_new_privs. Among the others are the
parent-death signal, dumping, capabilities, subreaper, tracer, and much that cannot be undone."""
_SOCKETPAIR, _AF_UNIX = 53, 1
_SENDTO, _ADDRESS_LENGTH = 44, 5
"""The end of a pair of datagram sockets could send to any other socket by its path or name."""
_CLOSE, _CLOSE_RANGE = 3, 436
_PRLIMIT, _SETAFFINITY = 302, 203


def available() -> str:
    """Return why a filter cannot be used on this machine, or nothing if it can."""
    machine = platform.machine()
    return "" if machine == "x86_64" else f"no filter for {machine}"


def build(pid: int, pipes_from: int, read_only: bool) -> bytes:
    """Return the filter for the process `pid`.

    Args:
        pid: The one process that it may signal: its own.
        pipes_from: Descriptors from here on cannot be closed.
        read_only: Refuse to open any file for writing, where nothing else protects files.
    """
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        (_EQUAL, 1, 0, _ARCHITECTURE),
        _result(_KILL),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        (_AT_LEAST, 0, 1, _FIRST_UNKNOWN),
        _result(_ERRNO | errno.ENOSYS),
    ]
    for code, numbers in _REFUSED.items():
        program += _refuse(numbers, code)
    if read_only:
        program += _refuse(_WRITING, errno.EROFS)
        for number, position in _OPENING.items():
            program += _judge(number, position, _ANY_BIT, (_WRITE_FLAGS,), _EROFS)
    for number, position in _SIGNALLING.items():
        program += _judge(number, position, _EQUAL, (pid,), _ALLOW, otherwise=_EPERM)
    for number in (_PRLIMIT, _SETAFFINITY):
        program += _judge(number, 0, _EQUAL, (0, pid), _ALLOW, otherwise=_EPERM)
    program += _judge(_CLONE, 0, _ANY_BIT, (_CLONE_THREAD,), _ALLOW, otherwise=_EAGAIN)
    program += _judge(_SENDTO, _ADDRESS_LENGTH, _EQUAL, (0,), _ALLOW, otherwise=_EACCES)
    program += _judge(_SOCKETPAIR, 0, _EQUAL, (_AF_UNIX,), _ALLOW, otherwise=_EACCES)
    program += _judge(_FCNTL, 1, _EQUAL, _FCNTL_REFUSED, _EPERM)
    program += _judge(_IOCTL, 1, _EQUAL, _IOCTL_REFUSED, _EPERM)
    program += _judge(_PRCTL, 0, _EQUAL, _PRCTL_ALLOWED, _ALLOW, otherwise=_EPERM)
    program += _judge(_CLOSE, 0, _AT_LEAST, (pipes_from,), _EBADF)
    # As if done: the C library answers an error here by trying again for ever.
    program += _judge(_CLOSE_RANGE, 1, _AT_LEAST, (pipes_from,), _ERRNO)
    program.append(_result(_ALLOW))
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in program)


def build_broker() -> bytes:
    """Return the filter that leaves every writing call to whoever holds its listener."""
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        (_EQUAL, 1, 0, _ARCHITECTURE),
        _result(_KILL),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
    ]
    for number in _WRITING:
        if number != _FTRUNCATE:  # of a file that is open for writing already
            program += [(_EQUAL, 0, 1, number), _result(_NOTIFY)]
    for number, position in _OPENING.items():
        program += _judge(number, position, _ANY_BIT, (_WRITE_FLAGS,), _NOTIFY)
    program.append(_result(_ALLOW))
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in program)


def install_broker(program: bytes) -> int:
    """Put this process under a filter and return its listener. Raises OSError."""
    listener = ctypes.CDLL(None, use_errno=True).syscall(
        _SECCOMP, _SET_MODE_FILTER, _NEW_LISTENER, _described(program)
    )
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp listener refused")
    return listener


def _described(program: bytes) -> bytes:
    """Return a program's description for Linux, which must stay alive meanwhile."""
    _kept.append(ctypes.create_string_buffer(program, len(program)))
    count = len(program) // _INSTRUCTION.size
    return struct.pack("HxxxxxxQ", count, ctypes.addressof(_kept[-1]))


def install(program: bytes) -> None:
    """Put this process under a filter, for good. Needs no_new_privs. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, _described(program), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp filter refused")


def _result(value: int) -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, value)


def _refuse(numbers: Iterable[int], code: int) -> list[tuple[int, int, int, int]]:
    """Answer each of these calls with an error, or with success for code 0."""
    steps: list[tuple[int, int, int, int]] = []
    for number in numbers:
        steps += [(_EQUAL, 0, 1, number), _result(_ERRNO | code)]
    return steps


def _judge(
    number: int,
    position: int,
    test: int,
    values: tuple[int, ...],
    action: int,
    otherwise: int = _ALLOW,
) -> list[tuple[int, int, int, int]]:
    """Answer a call by one argument: with `action` if a test holds, else with `otherwise`.

    Only the argument's lower half is looked at, as Linux does with these arguments.
    """
    body: list[tuple[int, int, int, int]] = [(_LOAD, 0, 0, _ARGUMENTS_OFFSET + 8 * position)]
    for value in values:
        body += [(test, 0, 1, value), _result(action)]
    body.append(_result(otherwise))
    return [(_EQUAL, 0, len(body), number), *body]
