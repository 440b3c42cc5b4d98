#include "../fork.h"
#include "all-threads.h"

#ifdef FORK_COPIES_THREADS

#include <sched.h>
#include <time.h>
#include <unistd.h>

/* How long the fork waits for threads that run. */
#define PATIENCE_NS 5000000000LL
#define LEAST_PAUSE_NS 50000L
#define MOST_PAUSE_NS 5000000L

const char *fork_obstacle_to_threads(void) { return fork_flaw_of_glibc(); }

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static const struct fork_thread *find_unsafe(const struct fork_threads *threads) {
  for (size_t i = 0; i < threads->count; i++) {
    const struct fork_thread *thread = &threads->all[i];
    if (thread->state == THREAD_PARKED && (!thread->is_known || !fork_is_at_safe_point(thread, fork_is_renewed)))
      return thread;
  }
  return NULL;
}

static int refuse(const struct fork_thread *thread) {
  return thread->is_known
           ? fork_refuse_thread(thread)
           : fork_refuse(-ENOTSUP, "the C library has not made the thread %s (%d)", thread->name, (int)thread->tid);
}

/* Stops all other threads at safe points. They are stopped only after a success. */
static int stop_once(const uv_loop_t *loop, int shared, struct fork_threads *threads) {
  int rc = fork_park(threads);
  if (rc < 0) return rc;
  rc = fork_note_descriptors(loop->signal_pipefd[0], shared);
  const struct fork_thread *found = rc < 0 ? NULL : find_unsafe(threads);
  if (rc == 0 && found == NULL) return 0;
  fork_unpark();
  return rc < 0 ? rc : refuse(found);
}

/* A thread that runs may get to a safe point soon. */
static int stop_threads(const uv_loop_t *loop, int shared, struct fork_threads *threads) {
  long long deadline = now_ns() + PATIENCE_NS;
  int rc;
  for (long pause = LEAST_PAUSE_NS; (rc = stop_once(loop, shared, threads)) == -EBUSY && now_ns() < deadline;) {
    nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
    pause = 2 * pause < MOST_PAUSE_NS ? 2 * pause : MOST_PAUSE_NS;
  }
  return rc;
}

/* Signals that libuv has caught but not dispatched are the parent's. */
static void forget_caught_signal(uv_handle_t *handle, void *context) {
  (void)context;
  if (handle->type != UV_SIGNAL) return;
  uv_signal_t *signal = (uv_signal_t *)handle;
  signal->dispatched_signals = signal->caught_signals;
}

/* glibc's fork(3) would treat the stacks of the other threads as free memory. The kernel sets the id of the thread
 * where glibc keeps it. */
static pid_t copy_process(pid_t *tid) {
#ifdef __x86_64__
  long pid = raw_call(SYS_clone, SIGCHLD | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, 0, 0, (long)tid, 0, 0);
#else
  long pid = raw_call(SYS_clone, SIGCHLD | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID, 0, 0, 0, (long)tid, 0);
#endif
  return (pid_t)pid;
}

static void become_child(uv_loop_t *loop, const struct fork_identity *own, const struct fork_threads *threads,
  void (*fail)(void *context), void *context) {
  fork_register_robust_list(own);
  if (fork_renew_descriptors() < 0) _exit(127);
  if (fork_clone_threads(threads) < 0) {
    fail(context);
    _exit(1);
  }
  uv_walk(loop, forget_caught_signal, NULL);
}

int fork_rehearse_with_threads(const uv_loop_t *loop) {
  struct fork_threads threads;
  int rc = fork_check_glibc();
  if (rc < 0) return rc;
  uint64_t blocked = fork_block_signals();
  rc = stop_threads(loop, -1, &threads);
  if (rc == 0) fork_unpark();
  fork_restore_signals(blocked);
  return rc;
}

pid_t fork_process_with_threads(uv_loop_t *loop, int shared, void (*fail)(void *context), void *context) {
  struct fork_threads threads;
  struct fork_identity own;
  int rc = fork_check_glibc();
  if (rc < 0) return rc;
  if (!fork_identify(&own, (pid_t)syscall(SYS_gettid)))
    return fork_refuse(-ENOTSUP, "the C library has not made this thread");
  uint64_t blocked = fork_block_signals();
  pid_t pid = stop_threads(loop, shared, &threads);
  if (pid == 0) {
    pid = fork_inherit_memory();
    if (pid == 0) pid = copy_process(own.tid);
    if (pid != 0) fork_unpark();
  }
  if (pid == 0) become_child(loop, &own, &threads, fail, context);
  fork_restore_signals(blocked);
  return pid;
}

#else

#include <errno.h>

const char *fork_obstacle_to_threads(void) { return "it needs Linux with glibc on x86-64 or arm64"; }

int fork_rehearse_with_threads(const uv_loop_t *loop) {
  (void)loop;
  return -ENOTSUP;
}

pid_t fork_process_with_threads(uv_loop_t *loop, int shared, void (*fail)(void *context), void *context) {
  (void)loop;
  (void)shared;
  (void)fail;
  (void)context;
  return -ENOTSUP;
}

#endif
