#include "fork.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>

/* As far as is known; either may be -1. */
static int has_ended(int process, int socket) {
  struct pollfd ends[] = {{.fd = process, .events = POLLIN}, {.fd = socket, .events = 0}};
  if (poll(ends, 2, 0) <= 0) return 0;
  return ends[0].revents != 0 || (ends[1].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

/* While the other end of the socket is open, the pid still means that process, and so does
 * the descriptor that was opened for the pid before: who else holds that end, for a moment,
 * is the process that forked it, which reaps it only later. */
int fork_signal(pid_t pid, int signal, int socket) {
  int process = (int)syscall(SYS_pidfd_open, pid, 0);
  if (process < 0 && errno == ESRCH) return -ESRCH;
  int rc = -ESRCH;
  if (!has_ended(process, socket)) {
    /* No such call before Linux 5.3 or where it is filtered, or no free descriptor: a
     * signal that may, once in an age, go astray is better than a process that stays. */
    rc = process < 0 ? kill(pid, signal) : (int)syscall(SYS_pidfd_send_signal, process, signal, NULL, 0);
    if (rc < 0) rc = -errno;
  }
  if (process >= 0) close(process);
  return rc;
}

#else

int fork_signal(pid_t pid, int signal, int socket) {
  (void)socket;
  return kill(pid, signal) < 0 ? -errno : 0;
}

#endif
