#include "fork.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>

/* Returns whether a process has ended or has closed its end of the socket, as far as that can be seen. Either
 * descriptor may be -1. */
static int has_ended(int process, int socket) {
  struct pollfd ends[] = {{.fd = process, .events = POLLIN}, {.fd = socket, .events = 0}};
  if (poll(ends, 2, 0) <= 0) return 0;
  return ends[0].revents != 0 || (ends[1].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

/* While the other end of the socket is open, the pid still belongs to the process, and the pidfd that was opened before
 * refers to it. The only other process that may hold that end, for a moment, is the one that has forked it, which
 * reaps it only later. */
int fork_signal(pid_t pid, int signal, int socket) {
  int process = (int)syscall(SYS_pidfd_open, pid, 0);
  if (process < 0 && errno == ESRCH) return -ESRCH;
  int rc = -ESRCH;
  if (!has_ended(process, socket)) {
    /* There is no pidfd before Linux 5.3, where a filter forbids the call, or if no descriptor is free. A signal that
     * might very rarely hit another process is then better than a process that is never ended. */
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
