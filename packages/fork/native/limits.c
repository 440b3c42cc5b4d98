#include "fork.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#ifdef ANYFORK_LINUX
#include <sys/prctl.h>
#endif

static const struct {
  const char *name;
  int resource;
} resources[] = {
  {"core", RLIMIT_CORE},
  {"cpu", RLIMIT_CPU},
  {"data", RLIMIT_DATA},
  {"fsize", RLIMIT_FSIZE},
  {"nofile", RLIMIT_NOFILE},
  {"stack", RLIMIT_STACK},
  {"as", RLIMIT_AS},
#ifdef RLIMIT_NPROC
  {"nproc", RLIMIT_NPROC},
#endif
#ifdef RLIMIT_MEMLOCK
  {"memlock", RLIMIT_MEMLOCK},
#endif
};

int fork_set_limit(const char *name, double soft, double hard) {
  for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
    if (strcmp(resources[i].name, name) != 0) continue;
    struct rlimit limit = {
      .rlim_cur = soft < 0 ? RLIM_INFINITY : (rlim_t)soft,
      .rlim_max = hard < 0 ? RLIM_INFINITY : (rlim_t)hard,
    };
    return setrlimit(resources[i].resource, &limit) < 0 ? -errno : 0;
  }
  return -EINVAL;
}

#ifdef ANYFORK_LINUX
int fork_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0; }
#else
int fork_no_new_privileges(void) { return -ENOSYS; }
#endif
