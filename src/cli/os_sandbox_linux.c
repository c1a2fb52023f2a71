/* SPDX-License-Identifier: MIT */
/* os_sandbox_linux.c - files by Landlock (Linux 5.13), and the user of all threads by the C
 * library. Landlock has no functions there: landlock(7) describes the system calls. */
#include "os_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Later versions than the headers of Debian 12 know. */
#define OS_SANDBOX__REFER (UINT64_C(1) << 13)     /* version 2 */
#define OS_SANDBOX__TRUNCATE (UINT64_C(1) << 14)  /* version 3 */
#define OS_SANDBOX__IOCTL_DEV (UINT64_C(1) << 15) /* version 5 */
#define OS_SANDBOX__FIRST ((UINT64_C(1) << 13) - 1)

#define OS_SANDBOX__READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define OS_SANDBOX__WRITE                                                                \
    (OS_SANDBOX__READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | OS_SANDBOX__REFER |    \
     OS_SANDBOX__TRUNCATE)
/* What a rule for something that is no folder may contain. */
#define OS_SANDBOX__OF_FILES \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | OS_SANDBOX__TRUNCATE)

/* What the C library reads for names of hosts, times, memory and shared libraries, and OpenSSL for
 * its settings and the system's certificates. /proc/self/exe and passwd are not among them. */
static const struct os_sandbox_path os_sandbox__system[] = {
    {"/etc/hosts", OS_SANDBOX_READ},
    {"/etc/host.conf", OS_SANDBOX_READ},
    {"/etc/resolv.conf", OS_SANDBOX_READ},
    {"/run/systemd/resolve", OS_SANDBOX_READ}, /* resolv.conf can be a link there */
    {"/etc/nsswitch.conf", OS_SANDBOX_READ},
    {"/etc/gai.conf", OS_SANDBOX_READ},
    {"/etc/services", OS_SANDBOX_READ},
    {"/etc/protocols", OS_SANDBOX_READ},
    {"/etc/localtime", OS_SANDBOX_READ},
    {"/usr/share/zoneinfo", OS_SANDBOX_READ},
    {"/etc/ld.so.cache", OS_SANDBOX_READ},
    {"/lib", OS_SANDBOX_READ},
    {"/lib64", OS_SANDBOX_READ},
    {"/usr/lib", OS_SANDBOX_READ},
    {"/usr/local/lib", OS_SANDBOX_READ},
    {"/etc/ssl/openssl.cnf", OS_SANDBOX_READ},
    {"/etc/ssl/certs", OS_SANDBOX_READ},
    {"/usr/share/ca-certificates", OS_SANDBOX_READ},
    {"/proc/sys", OS_SANDBOX_READ},
    {"/proc/meminfo", OS_SANDBOX_READ},
    {"/proc/stat", OS_SANDBOX_READ},
    {"/sys/devices/system", OS_SANDBOX_READ},
    {"/sys/fs/cgroup", OS_SANDBOX_READ},
    {"/dev/null", OS_SANDBOX_WRITE},
    {"/dev/zero", OS_SANDBOX_READ},
    {"/dev/random", OS_SANDBOX_READ},
    {"/dev/urandom", OS_SANDBOX_READ},
};

static bool os_sandbox__fail(const char *operation, const char *subject, int os_error,
                             const char *reason, const char *hint, struct weir_error *error)
{
    *error = (struct weir_error){.code = WEIR_SYSTEM, .os_error = os_error};
    if (os_error == EPERM || os_error == EACCES) error->code = WEIR_DENIED;
    if (os_error == ENOSYS || os_error == EOPNOTSUPP) error->code = WEIR_UNSUPPORTED;
    snprintf(error->operation, sizeof error->operation, "%s", operation);
    snprintf(error->subject, sizeof error->subject, "%s", subject);
    snprintf(error->reason, sizeof error->reason, "%s", reason);
    snprintf(error->hint, sizeof error->hint, "%s", hint);
    return false;
}

/* ---- files ---- */

/* Returns every right that this version of Landlock knows: what it does not know stays allowed. */
static uint64_t os_sandbox__known(long version)
{
    uint64_t known = OS_SANDBOX__FIRST;

    if (version >= 2) known |= OS_SANDBOX__REFER;
    if (version >= 3) known |= OS_SANDBOX__TRUNCATE;
    if (version >= 5) known |= OS_SANDBOX__IOCTL_DEV;
    return known;
}

/* Returns false with errno. */
static bool os_sandbox__allow(int ruleset, uint64_t known, const struct os_sandbox_path *path)
{
    struct landlock_path_beneath_attr rule;
    struct stat file;
    bool good = true;

    memset(&rule, 0, sizeof rule); /* the struct is packed */
    rule.parent_fd = open(path->path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0) return true; /* there is nothing to allow */
    rule.allowed_access =
        known & (path->access == OS_SANDBOX_WRITE ? OS_SANDBOX__WRITE : OS_SANDBOX__READ);
    if (fstat(rule.parent_fd, &file) == 0 && !S_ISDIR(file.st_mode))
        rule.allowed_access &= OS_SANDBOX__OF_FILES;
    good = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    int os_error = errno;
    close(rule.parent_fd);
    errno = os_error;
    return good;
}

static bool os_sandbox__restrict(int ruleset, uint64_t known, const struct os_sandbox_path *paths,
                                 size_t count)
{
    const size_t system_count = sizeof os_sandbox__system / sizeof *os_sandbox__system;

    for (size_t i = 0; i < system_count; i++)
        if (!os_sandbox__allow(ruleset, known, &os_sandbox__system[i])) return false;
    for (size_t i = 0; i < count; i++)
        if (!os_sandbox__allow(ruleset, known, &paths[i])) return false;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
}

bool os_sandbox_files(const struct os_sandbox_path *paths, size_t count, struct weir_error *error)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct landlock_ruleset_attr attributes = {0};
    int os_error = errno;

    if (version < 1)
        return os_sandbox__fail(
            "limit the files of this process", "", os_error, "the kernel has no active Landlock",
            "use Linux 5.13 or later with landlock in its parameter lsm=, or --sandbox off", error);
    attributes.handled_access_fs = os_sandbox__known(version);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes,
                               sizeof attributes.handled_access_fs, 0);
    bool good =
        ruleset >= 0 && os_sandbox__restrict(ruleset, attributes.handled_access_fs, paths, count);
    os_error = errno;
    if (ruleset >= 0) close(ruleset);
    return good || os_sandbox__fail("limit the files of this process", "", os_error,
                                    "the system refused it", "use --sandbox off", error);
}

/* ---- the user ---- */

#define OS_SANDBOX__GROUPS_MAX 64

static struct {
    uid_t user;
    gid_t group, groups[OS_SANDBOX__GROUPS_MAX];
    int groups_count;
} os_sandbox__user; /* set by os_sandbox_find_user() */

/* Reads a number. Returns false if the text is none. */
static bool os_sandbox__number(const char *text, unsigned long *number)
{
    char *end;

    errno = 0;
    *number = strtoul(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *number < UINT32_MAX;
}

static bool os_sandbox__find_group(const char *name, gid_t *group)
{
    unsigned long number;
    const struct group *found = getgrnam(name);

    if (found) *group = found->gr_gid;
    if (found) return true;
    if (!os_sandbox__number(name, &number)) return false;
    *group = (gid_t)number;
    return true;
}

/* Sets the user with all its groups; a number without a name has the group of the same number. */
static bool os_sandbox__find_name(const char *name)
{
    unsigned long number = 0;
    const struct passwd *found = getpwnam(name);

    if (!found && !os_sandbox__number(name, &number)) return false;
    if (!found) found = getpwuid((uid_t)number);
    os_sandbox__user.user = found ? found->pw_uid : (uid_t)number;
    os_sandbox__user.group = found ? found->pw_gid : (gid_t)number;
    os_sandbox__user.groups_count = OS_SANDBOX__GROUPS_MAX;
    if (!found)
        os_sandbox__user.groups_count = 0;
    else if (getgrouplist(found->pw_name, found->pw_gid, os_sandbox__user.groups,
                          &os_sandbox__user.groups_count) < 0)
        os_sandbox__user.groups_count = OS_SANDBOX__GROUPS_MAX; /* the others are left out */
    return true;
}

/* Splits "name:group", and finds both. Returns what is wrong, or null. */
static const char *os_sandbox__find(char *user)
{
    char *group = strchr(user, ':');

    if (group) *group++ = '\0';
    if (!os_sandbox__find_name(user)) return "there is no such user";
    if (group) {
        os_sandbox__user.groups_count = 0;
        if (!os_sandbox__find_group(group, &os_sandbox__user.group))
            return "there is no such group";
    }
    return os_sandbox__user.user == 0 ? "that is the user root" : NULL;
}

bool os_sandbox_find_user(const char *name, struct weir_error *error)
{
    char copy[128];
    const char *wrong = "the name is too long";

    if (strlen(name) < sizeof copy) {
        snprintf(copy, sizeof copy, "%s", name);
        wrong = os_sandbox__find(copy);
    }
    if (!wrong) return true;
    os_sandbox__fail("become the user", name, 0, wrong, "name an existing user: --user NAME",
                     error);
    error->code = WEIR_INVALID;
    return false;
}

/* The C library changes the user of all threads (nptl(7)). */
bool os_sandbox_become_user(const char *name, struct weir_error *error)
{
    uid_t user = os_sandbox__user.user;

    if (getuid() == user && geteuid() == user) return true;
    if (setgroups((size_t)os_sandbox__user.groups_count, os_sandbox__user.groups) != 0 ||
        setgid(os_sandbox__user.group) != 0 || setuid(user) != 0)
        return os_sandbox__fail("become the user", name, errno, "the system refused it",
                                "start weir as root, or as this user without --user", error);
    if (setuid(0) == 0)
        return os_sandbox__fail("become the user", name, 0, "the process can become root again",
                                "report this to the maintainers", error);
    return true;
}

bool os_sandbox_is_root(void)
{
    return geteuid() == 0;
}
