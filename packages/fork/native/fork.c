#include "forking.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __linux__

/* One line of /proc/self/maps: "from-to perms ...". */
static void allow_line(const char *line) {
  char *rest;
  uintptr_t from = (uintptr_t)strtoull(line, &rest, 16);
  if (*rest != '-') return;
  uintptr_t to = (uintptr_t)strtoull(rest + 1, &rest, 16);
  if (rest[0] != ' ' || rest[4] != 'p') return;
  /* Fails for the kernel's own pages (vvar), which need nothing. */
  (void)madvise((void *)from, to - from, MADV_DOFORK);
}

/* Node marks V8's pages MADV_DONTFORK, new ones also; a child without them dies
 * at its first step. Takes the mark off every private mapping. */
static int allow_fork_of_all_memory(void) {
  int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  char buffer[65536];
  size_t held = 0;
  for (;;) {
    ssize_t n = read(fd, buffer + held, sizeof buffer - 1 - held);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      int rc = -errno;
      close(fd);
      return rc;
    }
    if (n == 0) break;
    held += (size_t)n;
    buffer[held] = '\0';
    char *line = buffer, *end;
    while ((end = strchr(line, '\n')) != NULL) {
      *end = '\0';
      allow_line(line);
      line = end + 1;
    }
    held -= (size_t)(line - buffer);
    memmove(buffer, line, held);
  }
  close(fd);
  return 0;
}

/* A signal that was caught but not yet dispatched is the parent's. libuv would
 * wait for it for ever before it closes the handle that caught it. */
static void forget_caught_signal(uv_handle_t *handle, void *context) {
  (void)context;
  if (handle->type != UV_SIGNAL) return;
  uv_signal_t *signal = (uv_signal_t *)handle;
  signal->dispatched_signals = signal->caught_signals;
}

pid_t forking_fork(uv_loop_t *loop) {
  int rc = allow_fork_of_all_memory();
  if (rc < 0) return rc;
  /* A signal that arrives in the child before its loop is its own would be
   * written into the pipe that it still shares with its parent. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = fork();
  if (pid < 0) pid = -errno;
  if (pid == 0) {
    rc = uv_loop_fork(loop);
    if (rc < 0) _exit(127);
    uv_walk(loop, forget_caught_signal, NULL);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return pid;
}

#else

pid_t forking_fork(uv_loop_t *loop) {
  (void)loop;
  return -ENOSYS;
}

#endif

void forking_exit(int code) { _exit(code); }

int forking_ignore_interrupt(int on) {
  static struct sigaction before;
  static int ignoring;
  struct sigaction now;
  if (sigaction(SIGINT, NULL, &now) < 0) return -errno;
  if (on) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    before = now;
    ignoring = 1;
    return sigaction(SIGINT, &ignore, NULL) < 0 ? -errno : 0;
  }
  if (!ignoring || now.sa_handler != SIG_IGN) return 0;
  ignoring = 0;
  return sigaction(SIGINT, &before, NULL) < 0 ? -errno : 0;
}
