#include "fork.h"

#include <errno.h>
#include <time.h>

#ifdef ANYFORK_LINUX
int fork_processor_time(pid_t pid, double *milliseconds) {
  clockid_t clock;
  int error = clock_getcpuclockid(pid, &clock);
  if (error != 0) return -error;
  struct timespec time;
  if (clock_gettime(clock, &time) < 0) return errno == EINVAL ? -ESRCH : -errno; /* it has ended in between */
  *milliseconds = (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
  return 0;
}
#else
int fork_processor_time(pid_t pid, double *milliseconds) {
  (void)pid;
  (void)milliseconds;
  return -ENOSYS;
}
#endif
