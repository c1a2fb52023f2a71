/* SPDX-License-Identifier: MIT */
/* os_sandbox_calls_linux.c - forbids system calls by seccomp, with libseccomp. The list has what a
 * compromised server is used for, and no server does. It is no list of what weir calls: modules
 * call what they need, and the C library calls other things with each version. */
#include "os_sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>

/* By name: libseccomp leaves out those that this architecture has not. */
static const char *const os_sandbox__forbidden[] = {
    /* programs and processes */
    "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev",
    "pidfd_getfd", "kcmp", "setns", "unshare", "personality",
    /* rings without the restrictions of weir's own */
    "io_uring_setup",
    /* the kernel and its interfaces */
    "bpf", "perf_event_open", "userfaultfd", "init_module", "finit_module", "delete_module",
    "kexec_load", "kexec_file_load", "add_key", "request_key", "keyctl", "lookup_dcookie", "syslog",
    "quotactl", "quotactl_fd", "acct", "reboot", "swapon", "swapoff", "iopl", "ioperm",
    "modify_ldt", "vhangup", "nfsservctl", "fanotify_init",
    /* file systems */
    "mount", "umount2", "umount", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen",
    "fsconfig", "fsmount", "fspick", "mount_setattr", "open_by_handle_at", "mknod", "mknodat",
    /* clocks and names of the system */
    "settimeofday", "clock_settime", "clock_settime64", "clock_adjtime", "clock_adjtime64", "stime",
    "sethostname", "setdomainname",
    /* users */
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid",
    "setfsgid", "capset"};

static bool os_sandbox__fail(int result, const char *reason, const char *hint,
                             struct weir_error *error)
{
    *error = (struct weir_error){.code = WEIR_UNSUPPORTED, .os_error = -result};
    snprintf(error->operation, sizeof error->operation, "limit the system calls of this process");
    snprintf(error->reason, sizeof error->reason, "%s", reason);
    snprintf(error->hint, sizeof error->hint, "%s", hint);
    return false;
}

/* Adds the rules. Returns 0 or a negative error number. */
static int os_sandbox__add(scmp_filter_ctx filter)
{
    int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

    for (size_t i = 0; result == 0 && i < sizeof os_sandbox__forbidden / sizeof(char *); i++) {
        int number = seccomp_syscall_resolve_name(os_sandbox__forbidden[i]);
        if (number >= 0) result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
    }
    /* Threads can start, processes cannot. The flags of clone3() are in memory, which a filter
     * cannot read; without it the C library calls clone(). */
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    if (result == 0 && SCMP_SYS(clone3) > 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    return result;
}

bool os_sandbox_calls(struct weir_error *error)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    if (!filter) return os_sandbox__fail(-ENOMEM, "out of memory", "use --sandbox off", error);
    int result = os_sandbox__add(filter);
    if (result == 0) result = seccomp_load(filter);
    seccomp_release(filter);
    return result == 0 || os_sandbox__fail(result, "the system refused a seccomp filter",
                                           "use a kernel with CONFIG_SECCOMP_FILTER, or "
                                           "--sandbox off",
                                           error);
}
