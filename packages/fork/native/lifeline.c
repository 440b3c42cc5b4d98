#include "fork.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__

/* O_ASYNC can send any signal (F_SETSIG, fcntl(2)), even SIGKILL, which ends a process in an endless loop and in a
 * blocking call alike, and a stopped one. The owner and the signal belong to the open file, which parent and child
 * share. So each process opens the pipe anew through /proc. */
static int open_anew(int fd) {
  char path[40];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int own = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (own < 0) return -errno;
  if (fcntl(own, F_SETSIG, SIGKILL) == 0 && fcntl(own, F_SETFL, O_NONBLOCK | O_ASYNC) == 0) return own;
  int rc = -errno;
  close(own);
  return rc;
}

int fork_arm_lifeline(int fd) {
  int own = open_anew(fd);
  if (own < 0) return own;
  struct pollfd ended = {.fd = own, .events = POLLIN};
  int rc = fork_claim_lifeline(own, getpid());
  if (rc == 0 && poll(&ended, 1, 0) < 0) rc = -errno;
  if (rc < 0) {
    close(own);
    return rc;
  }
  /* The owner may have ended before the signal was set. */
  if (ended.revents & POLLHUP) raise(SIGKILL);
  return own;
}

int fork_open_lifeline(int fd, int slot) {
  int own = open_anew(fd);
  if (own < 0) return own;
  int rc = dup3(own, slot, O_CLOEXEC) < 0 ? -errno : 0;
  close(own);
  return rc;
}

/* The kernel sends the signal with the permissions of the user who called F_SETOWN. Only root of the initial user
 * namespace may signal other users, so a process that has become another user calls it again. */
int fork_claim_lifeline(int own, pid_t pid) { return fcntl(own, F_SETOWN, pid) < 0 ? -errno : 0; }

/* Each process opens the pipe anew, even one that has become another user. */
int fork_share_lifeline(int fd) { return fchmod(fd, 0444) < 0 ? -errno : 0; }

int fork_disarm_lifeline(int own) { return fcntl(own, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0; }

#else

int fork_claim_lifeline(int own, pid_t pid) {
  (void)own;
  (void)pid;
  return -ENOSYS;
}

int fork_open_lifeline(int fd, int slot) {
  (void)fd;
  (void)slot;
  return -ENOSYS;
}

int fork_share_lifeline(int fd) {
  (void)fd;
  return 0;
}

int fork_disarm_lifeline(int own) {
  (void)own;
  return -ENOSYS;
}

int fork_arm_lifeline(int fd) {
  (void)fd;
  return -ENOSYS;
}

#endif
