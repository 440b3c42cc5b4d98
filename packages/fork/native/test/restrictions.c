#include "../fork.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const names[] = {"core", "cpu", "data", "fsize", "nofile", "stack", "as", "nproc", "memlock"};

static bool is_limited(int resource, rlim_t soft) {
  struct rlimit limit;
  return getrlimit(resource, &limit) == 0 && limit.rlim_cur == soft;
}

/* Returns the line of the first expectation that is not met, or 0. */
static int restrict_this(void *context) {
  (void)context;
  struct rlimit core;
  if (getrlimit(RLIMIT_CORE, &core) < 0) return __LINE__;
  double hard = core.rlim_max == RLIM_INFINITY ? -1 : (double)core.rlim_max;
  if (fork_set_limit("core", 0, hard) != 0 || !is_limited(RLIMIT_CORE, 0)) return __LINE__;
  if (fork_set_limit("core", hard, hard) != 0 || !is_limited(RLIMIT_CORE, core.rlim_max)) return __LINE__;
  if (fork_set_limit("core", 2, 1) != -EINVAL) return __LINE__;
  if (fork_set_limit("cores", 1, 1) != -EINVAL || fork_set_limit("", 1, 1) != -EINVAL) return __LINE__;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) /* all are known: else -EINVAL with valid limits, too */
    if (fork_set_limit(names[i], 1e15, 1e15) == -EINVAL) return __LINE__;
  if (fork_no_new_privileges() != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return __LINE__;
  return 0;
}

void test_limits(void) { assert(status_of(start_child(restrict_this, NULL)) == 0); }

/* Whether a kernel, a container, or valgrind refuses what is tested. ThreadSanitizer has a thread of its own, and the
 * kernel gives user namespaces only to processes with one thread. */
static bool is_refused(int rc) {
#ifdef __SANITIZE_THREAD__
  if (rc == -EINVAL) return true;
#endif
  return rc == -EPERM || rc == -ENOSPC || rc == -ENOSYS || rc == -EOPNOTSUPP;
}

static int isolate_this(void *context) {
  char *unknown[] = {"net", "pid", NULL}, *all[] = {"user", "net", "ipc", "uts", "cgroup", NULL}, *none[] = {NULL};
  if (fork_unshare(unknown) != -EINVAL || fork_unshare(none) != 0) return __LINE__;
  if (fork_change_root("/missing") != -ENOENT && getuid() == 0) return __LINE__;
  uid_t user = getuid();
  gid_t group = getgid();
  int rc = fork_unshare(all);
  if (is_refused(rc)) return 0;
  if (rc != 0 || getuid() != user || getgid() != group) return __LINE__;
  if (prctl(PR_CAPBSET_READ, 0, 0, 0, 0) != 1) return __LINE__;
  rc = fork_confine_signals();
  if (!is_refused(rc) && (rc != 0 || kill(*(pid_t *)context, 0) == 0 || errno != EPERM)) return __LINE__;
  if (fork_drop_capabilities() != 0 || prctl(PR_CAPBSET_READ, 0, 0, 0, 0) != 0) return __LINE__;
  return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && fork_change_root("/") == -EPERM ? 0 : __LINE__;
}

void test_isolation(void) {
  pid_t tester = getpid();
  assert(status_of(start_child(isolate_this, &tester)) == 0);
}

void test_processor_time(void) {
  double before, after;
  assert(fork_processor_time(getpid(), &before) == 0 && before >= 0);
  for (volatile int i = 0; i < 10000000; i++) continue;
  assert(fork_processor_time(getpid(), &after) == 0 && after > before);
  pid_t child = fork();
  if (child == 0) _exit(0);
  assert(waitpid(child, NULL, 0) == child);
  assert(fork_processor_time(child, &after) == -ESRCH);
}

void test_random(void) {
  unsigned char one[256] = {0}, other[256] = {0};
  assert(fork_fill_random(one, sizeof one) == 0 && fork_fill_random(other, sizeof other) == 0);
  assert(memcmp(one, other, sizeof one) != 0);
  char many[257];
  assert(fork_fill_random(many, sizeof many) == -EIO);
}

/* Whether malloc(3) is that of glibc. Sanitizers and valgrind put another one in its place. */
static bool has_own_malloc(void) {
#if !defined(__GLIBC__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#else
  return getenv("LD_PRELOAD") == NULL;
#endif
}

void test_trimming_memory(void) {
  enum { BLOCKS = 4096 };
  static void *blocks[BLOCKS];
  for (int i = 0; i < BLOCKS; i++) memset(blocks[i] = malloc(1024), 1, 1024);
  void *last = malloc(1024); /* keeps free(3) from returning the memory itself */
  for (int i = 0; i < BLOCKS; i++) free(blocks[i]);
  int returned = fork_trim_malloc();
  assert(returned == 1 || (returned == 0 && !has_own_malloc()));
  free(last);
}

void test_memory_without_v8(void) { assert(fork_reduce_heap() == -ENOSYS); }
