#include "../fork.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
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
