#include "fork.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __linux__

/* Neighbouring private mappings, and the addresses between them. */
struct span {
  uintptr_t from, to;
};

/* Makes one call for all mappings of a span, and empties it. The kernel skips gaps, and reports them (ENOMEM). */
static int allow_span(struct span *span) {
  int rc = span->to > span->from ? madvise((void *)span->from, span->to - span->from, MADV_DOFORK) : 0;
  *span = (struct span){0, 0};
  return rc < 0 && errno != ENOMEM ? -errno : 0;
}

/* Adds the mapping of one line of /proc/self/maps to the span: "from-to perms offset device inode name". A shared
 * mapping ends the span, as do the kernel's own, such as [vvar], where madvise(2) would stop. */
static int allow_line(const char *line, struct span *span) {
  char *rest;
  uintptr_t from = (uintptr_t)strtoull(line, &rest, 16);
  if (*rest != '-') return 0;
  uintptr_t to = (uintptr_t)strtoull(rest + 1, &rest, 16);
  const char *name = strchr(rest, '[');
  if (rest[0] != ' ' || rest[4] != 'p' || (name != NULL && name[1] == 'v')) return allow_span(span);
  if (span->to == 0) span->from = from;
  span->to = to;
  return 0;
}

/* Takes the mark MADV_DONTFORK off every private mapping. Node sets it on V8's pages, and again on new ones; without
 * these pages, a child dies at its first step. Works in spans. A span in which a device is mapped fails with EINVAL;
 * then `one_by_one` makes a call for each mapping, and ignores errors. */
static int allow_fork_of_all_memory(bool one_by_one) {
  int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  char buffer[65536];
  size_t held = 0;
  struct span span = {0, 0};
  int rc = 0;
  while (rc == 0) {
    ssize_t n = read(fd, buffer + held, sizeof buffer - 1 - held);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) rc = -errno;
    if (n <= 0) break;
    held += (size_t)n;
    buffer[held] = '\0';
    char *line = buffer, *end;
    while (rc == 0 && (end = strchr(line, '\n')) != NULL) {
      *end = '\0';
      rc = allow_line(line, &span);
      if (one_by_one) {
        allow_span(&span);
        rc = 0;
      }
      line = end + 1;
    }
    held -= (size_t)(line - buffer);
    memmove(buffer, line, held);
  }
  if (rc == 0) rc = allow_span(&span);
  close(fd);
  return rc;
}

/* Forgets signals that libuv has caught but not dispatched: they are the parent's. Otherwise libuv would wait for them
 * for ever before it closes the handle that caught them. */
static void forget_caught_signal(uv_handle_t *handle, void *context) {
  (void)context;
  if (handle->type != UV_SIGNAL) return;
  uv_signal_t *signal = (uv_signal_t *)handle;
  signal->dispatched_signals = signal->caught_signals;
}

pid_t fork_process(uv_loop_t *loop) {
  int rc = allow_fork_of_all_memory(false);
  if (rc == -EINVAL) rc = allow_fork_of_all_memory(true);
  if (rc < 0) return rc;
  /* If a signal arrived in the child before uv_loop_fork, libuv would write it to a pipe that the child still shares
   * with its parent. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  rc = fork_wait_for_threads();
  pid_t pid = rc < 0 ? rc : fork();
  if (rc == 0 && pid < 0) pid = -errno;
  if (pid == 0) {
    rc = uv_loop_fork(loop);
    if (rc < 0) _exit(127);
    uv_walk(loop, forget_caught_signal, NULL);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return pid;
}

#else

pid_t fork_process(uv_loop_t *loop) {
  (void)loop;
  return -ENOSYS;
}

#endif

void fork_exit(int code) { _exit(code); }
