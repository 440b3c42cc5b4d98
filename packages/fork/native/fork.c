#include "fork.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#ifdef ANYFORK_LINUX

/* Forgets signals that libuv has caught but not dispatched: they are the parent's. Otherwise libuv would wait for them
 * for ever before it closes the handle that caught them. */
static void forget_caught_signal(uv_handle_t *handle, void *context) {
  (void)context;
  if (handle->type != UV_SIGNAL) return;
  uv_signal_t *signal = (uv_signal_t *)handle;
  signal->dispatched_signals = signal->caught_signals;
}

pid_t fork_process(uv_loop_t *loop, int (*wait_for_threads)(void)) {
  int rc = fork_inherit_memory();
  if (rc < 0) return rc;
  /* If a signal arrived in the child before uv_loop_fork, libuv would write it to a pipe that the child still shares
   * with its parent. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  rc = wait_for_threads();
  pid_t pid = rc < 0 ? rc : fork();
  if (rc == 0 && pid < 0) pid = -errno;
  if (pid == 0) {
    rc = uv_loop_fork(loop);
    if (rc < 0) _exit(127);
    uv_walk(loop, forget_caught_signal, NULL);
    fork_forget_threads();
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return pid;
}

#else

pid_t fork_process(uv_loop_t *loop, int (*wait_for_threads)(void)) {
  (void)loop;
  (void)wait_for_threads;
  return -ENOSYS;
}

#endif

void fork_exit(int code) { _exit(code); }
