#include "fork.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#ifdef __linux__

/* fcntl(2), F_SETSIG: the signal that O_ASYNC sends may be any, also SIGKILL,
 * which works in an endless loop and in a blocking call alike. Owner and signal
 * belong to the open file, which parent and child share, so each opens the pipe
 * anew through /proc. */
int fork_arm_lifeline(int fd) {
  char path[40];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int own = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (own < 0) return -errno;
  struct pollfd ended = {.fd = own, .events = POLLIN};
  int rc;
  if (fcntl(own, F_SETSIG, SIGKILL) < 0 || fcntl(own, F_SETOWN, getpid()) < 0 ||
      fcntl(own, F_SETFL, O_NONBLOCK | O_ASYNC) < 0 || (rc = poll(&ended, 1, 0)) < 0) {
    rc = -errno;
    close(own);
    return rc;
  }
  /* It may have ended before the signal was set. */
  if (rc > 0 && (ended.revents & POLLHUP)) raise(SIGKILL);
  return own;
}

/* The kernel lets the signal through by who the owner was when it was set: where root is not
 * the first namespace's, not to a process that has become another user since. */
int fork_claim_lifeline(int own) { return fcntl(own, F_SETOWN, getpid()) < 0 ? -errno : 0; }

#else

int fork_claim_lifeline(int own) {
  (void)own;
  return -ENOSYS;
}

int fork_arm_lifeline(int fd) {
  (void)fd;
  return -ENOSYS;
}

#endif
