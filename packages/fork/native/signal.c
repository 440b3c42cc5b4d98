#include "forking.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>

/* Only that process holds the other end of the socket: while it is open, the pid
 * still means it, and so does the descriptor that was opened for the pid before. */
int forking_signal(pid_t pid, int signal, int socket) {
  int process = (int)syscall(SYS_pidfd_open, pid, 0);
  if (process < 0) {
    if (errno != ENOSYS) return -errno;
    return kill(pid, signal) < 0 ? -errno : 0; /* before Linux 5.3 */
  }
  struct pollfd peer = {.fd = socket, .events = 0};
  int rc = poll(&peer, 1, 0);
  if (rc < 0) rc = -errno;
  else if (peer.revents & (POLLHUP | POLLERR | POLLNVAL)) rc = -ESRCH;
  else rc = syscall(SYS_pidfd_send_signal, process, signal, NULL, 0) < 0 ? -errno : 0;
  close(process);
  return rc;
}

#else

int forking_signal(pid_t pid, int signal, int socket) {
  (void)socket;
  return kill(pid, signal) < 0 ? -errno : 0;
}

#endif
