#include "fdpass.h"
#include "socket-flags.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int failed(void) { return -errno; }

static int change_flag(int fd, int get, int set, int flag, int on) {
  int flags = fcntl(fd, get);
  if (flags < 0) return failed();
  int wanted = on ? flags | flag : flags & ~flag;
  return wanted != flags && fcntl(fd, set, wanted) < 0 ? failed() : 0;
}

static int has_flag(int fd, int get, int flag) {
  int flags = fcntl(fd, get);
  return flags < 0 ? failed() : (flags & flag) != 0;
}

int fdpass_set_close_on_exec(int fd, int on) { return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on); }
int fdpass_get_close_on_exec(int fd) { return has_flag(fd, F_GETFD, FD_CLOEXEC); }
int fdpass_set_nonblocking(int fd, int on) { return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on); }
int fdpass_get_nonblocking(int fd) { return has_flag(fd, F_GETFL, O_NONBLOCK); }

int fdpass_set_async_owner(int fd, int pid) {
  if (pid != 0 && fcntl(fd, F_SETOWN, pid) < 0) return failed();
  return change_flag(fd, F_GETFL, F_SETFL, O_ASYNC, pid != 0);
}

int fdpass_socketpair(int type, int out[2]) {
#ifdef ANYFORK_LINUX
  return socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, out) < 0 ? failed() : 0;
#else
  if (socketpair(AF_UNIX, type, 0, out) < 0) return failed();
  for (int i = 0; i < 2; i++) {
    int rc = fdpass_set_close_on_exec(out[i], 1);
    if (rc == 0 && fdpass_prevent_signals(out[i]) < 0) rc = failed();
    if (rc < 0) {
      close(out[0]);
      close(out[1]);
      return rc;
    }
  }
  return 0;
#endif
}

int fdpass_pipe(int out[2]) {
#ifdef ANYFORK_LINUX
  return pipe2(out, O_CLOEXEC) < 0 ? failed() : 0;
#else
  if (pipe(out) < 0) return failed();
  for (int i = 0; i < 2; i++) {
    int rc = fdpass_set_close_on_exec(out[i], 1);
    if (rc < 0) {
      close(out[0]);
      close(out[1]);
      return rc;
    }
  }
  return 0;
#endif
}

int fdpass_duplicate(int fd) {
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return copy < 0 ? failed() : copy;
}

int fdpass_duplicate_to(int fd, int number) {
  bool is_standard = number <= STDERR_FILENO;
#ifdef ANYFORK_LINUX
  int rc;
  do rc = dup3(fd, number, is_standard ? 0 : O_CLOEXEC);
  while (rc < 0 && errno == EINTR);
  return rc < 0 ? failed() : number;
#else
  if (fd == number) return -EINVAL;
  if (dup2(fd, number) < 0) return failed();
  int rc = fdpass_set_close_on_exec(number, !is_standard);
  if (rc < 0) close(number);
  return rc < 0 ? rc : number;
#endif
}

/* Opens a descriptor that needs nothing but a slot. */
static int open_slot(void) {
#ifdef ANYFORK_LINUX
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
#else
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (fd >= 0) fdpass_set_close_on_exec(fd, 1);
#endif
  return fd < 0 ? failed() : fd;
}

int fdpass_check_room(size_t slots) {
  int *fds = calloc(slots, sizeof *fds);
  if (fds == NULL) return -ENOMEM;
  size_t count = 0;
  int fd = open_slot();
  while (fd >= 0) {
    fds[count++] = fd;
    if (count == slots) break;
    fd = fdpass_duplicate(fds[0]);
  }
  while (count > 0) close(fds[--count]);
  free(fds);
  return fd < 0 ? fd : 0;
}

int fdpass_close(int fd) { return close(fd) < 0 && errno != EINTR ? failed() : 0; }

ssize_t fdpass_read(int fd, void *bytes, size_t length) {
  ssize_t n;
  do n = read(fd, bytes, length);
  while (n < 0 && errno == EINTR);
  return n < 0 ? failed() : n;
}

ssize_t fdpass_write(int fd, const void *bytes, size_t length) {
  ssize_t n;
  do n = send(fd, bytes, length, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno == ENOTSOCK) { /* a pipe or a file; Node ignores SIGPIPE */
    do n = write(fd, bytes, length);
    while (n < 0 && errno == EINTR);
  }
  return n < 0 ? failed() : n;
}
