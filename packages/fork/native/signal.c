#include "forking.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>

static int has_hung_up(int socket) {
  struct pollfd peer = {.fd = socket, .events = 0};
  return poll(&peer, 1, 0) > 0 && (peer.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

/* Only that process holds the other end of the socket: while it is open, the pid
 * still means it, and so does the descriptor that was opened for the pid before. */
int forking_signal(pid_t pid, int signal, int socket) {
  int process = (int)syscall(SYS_pidfd_open, pid, 0);
  if (process < 0) {
    if (errno == ESRCH) return -ESRCH;
    /* No such call before Linux 5.3 or where it is filtered, or no free descriptor: a
     * signal that may, once in an age, go astray is better than a process that stays. */
    return has_hung_up(socket) ? -ESRCH : kill(pid, signal) < 0 ? -errno : 0;
  }
  int rc = -ESRCH;
  if (!has_hung_up(socket))
    rc = syscall(SYS_pidfd_send_signal, process, signal, NULL, 0) < 0 ? -errno : 0;
  close(process);
  return rc;
}

#else

int forking_signal(pid_t pid, int signal, int socket) {
  (void)socket;
  return kill(pid, signal) < 0 ? -errno : 0;
}

#endif
