#include "fork.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int fork_change_root(const char *folder) { return chroot(folder) < 0 || chdir("/") < 0 ? -errno : 0; }

#ifdef ANYFORK_LINUX

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

/* Older headers lack Landlock, or its later parts. The numbers are the same on all architectures of Linux. */
#define SYS_CREATE_RULESET 444
#define SYS_RESTRICT_SELF 446
#define RULESET_VERSION 1
#define SCOPE_SIGNAL 2
#define VERSION_WITH_SCOPES 6

struct ruleset {
  uint64_t files, network, scopes;
};

static const struct {
  const char *name;
  int flag;
} namespaces[] = {
  {"cgroup", CLONE_NEWCGROUP},
  {"ipc", CLONE_NEWIPC},
  {"net", CLONE_NEWNET},
  {"user", CLONE_NEWUSER},
  {"uts", CLONE_NEWUTS},
};

static int write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  ssize_t written = write(fd, text, strlen(text));
  int rc = written < 0 ? -errno : 0;
  close(fd);
  return rc;
}

/* Gives the user and the group of this process the same numbers in its new user namespace as outside. Without a map,
 * they would be those of "nobody", and the process could create no file. */
static int map_own_ids(uid_t uid, gid_t gid) {
  char map[48];
  snprintf(map, sizeof map, "%u %u 1", uid, uid);
  int rc = write_file("/proc/self/uid_map", map);
  if (rc == 0) rc = write_file("/proc/self/setgroups", "deny"); /* the kernel requires it for the next one */
  snprintf(map, sizeof map, "%u %u 1", gid, gid);
  return rc < 0 ? rc : write_file("/proc/self/gid_map", map);
}

/* A process that has become another user may not write its files in /proc until it is dumpable again. */
static int enter_user_namespace(int flags) {
  uid_t uid = geteuid();
  gid_t gid = getegid();
  if (unshare(flags) < 0) return -errno;
  int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
  if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0) return -errno;
  int rc = map_own_ids(uid, gid);
  if (dumpable == 0) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* the kernel's other value, 2, cannot be set */
  return rc;
}

int fork_unshare(char *const *names) {
  int flags = 0;
  for (; *names != NULL; names++) {
    int flag = 0;
    for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++)
      if (strcmp(namespaces[i].name, *names) == 0) flag = namespaces[i].flag;
    if (flag == 0) return -EINVAL;
    flags |= flag;
  }
  if (flags & CLONE_NEWUSER) return enter_user_namespace(flags);
  return unshare(flags) < 0 ? -errno : 0;
}

/* Without CAP_SETPCAP, the bounding set stays as it is; then no_new_privs keeps programs from gaining what is in it. */
static int empty_bounding_set(void) {
  for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) return errno == EPERM ? 0 : -errno;
  return 0;
}

int fork_drop_capabilities(void) {
  int rc = fork_no_new_privileges();
  if (rc == 0) rc = empty_bounding_set();
  if (rc < 0) return rc;
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}}; /* clears the ambient set, too */
  return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

int fork_confine_signals(void) {
  int rc = fork_no_new_privileges(); /* Landlock requires it */
  if (rc < 0) return rc;
  long version = syscall(SYS_CREATE_RULESET, NULL, 0, RULESET_VERSION);
  if (version < 0) return -errno;
  if (version < VERSION_WITH_SCOPES) return -EOPNOTSUPP;
  struct ruleset rules = {.scopes = SCOPE_SIGNAL};
  int fd = (int)syscall(SYS_CREATE_RULESET, &rules, sizeof rules, 0);
  if (fd < 0) return -errno;
  rc = syscall(SYS_RESTRICT_SELF, fd, 0) < 0 ? -errno : 0;
  close(fd);
  return rc;
}

#else

int fork_unshare(char *const *names) {
  (void)names;
  return -ENOSYS;
}

int fork_drop_capabilities(void) { return -ENOSYS; }

int fork_confine_signals(void) { return -ENOSYS; }

#endif
