#include "../fork.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Kills a child without reaping it, and returns once it is a zombie. */
static void make_zombie(pid_t pid) {
  siginfo_t info;
  assert(kill(pid, SIGKILL) == 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
}

static bool is_reaped(pid_t pid) {
  siginfo_t info = {0};
  return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

/* What every thread that keeps a child or ends does. */
static void reap_orphans(void) { fork_thread_children_end(fork_thread_children_new()); }

void test_end_of_children(void) {
  struct fork_thread_children *children = fork_thread_children_new();
  pid_t kept = start_waiting_child(), reaped = start_waiting_child(), forgotten = start_waiting_child();
  assert(fork_keep_child(children, kept, 1) == 0 && fork_keep_child(children, reaped, 1) == 0);
  assert(fork_keep_child(children, forgotten, 1) == 0 && fork_keep_child(children, forgotten, 0) == 0);
  assert(fork_keep_child(children, forgotten, 0) == -ENOENT && fork_spare_child(children, forgotten, 1) == -ENOENT);
  kill(reaped, SIGKILL);
  status_of(reaped);
  fork_thread_children_end(children);
  assert(is_reaped(kept) && !is_reaped(forgotten));
  kill(forgotten, SIGKILL);
  assert(WTERMSIG(status_of(forgotten)) == SIGKILL);
}

void test_spawned_child(void) {
  pid_t other = start_waiting_child(), pids[3];
  for (int has_ended = 0; has_ended < 2; has_ended++) {
    struct fork_thread_children *children = fork_thread_children_new();
    for (int i = 0; i < 3; i++) {
      assert(fork_begin_spawn(children) == 0);
      pids[i] = start_waiting_child();
      if (i < 2) assert(fork_end_spawn(children, i ? 0 : pids[i]) == 0);
    }
    if (has_ended) make_zombie(pids[2]);
    fork_thread_children_end(children);
    assert(is_reaped(pids[0]) && !is_reaped(pids[1]) && is_reaped(pids[2]));
    kill(pids[1], SIGKILL);
    status_of(pids[1]);
  }
  assert(!is_reaped(other));
  kill(other, SIGKILL);
  status_of(other);
}

void test_spared_child(void) {
  struct fork_thread_children *children = fork_thread_children_new();
  pid_t spared = start_waiting_child(), ended = start_waiting_child();
  assert(fork_keep_child(children, spared, 1) == 0 && fork_spare_child(children, spared, 1) == 0);
  assert(fork_keep_child(children, ended, 1) == 0 && fork_spare_child(children, ended, 1) == 0);
  assert(fork_spare_child(children, ended, 0) == 0);
  fork_thread_children_end(children);
  assert(kill(spared, 0) == 0 && is_reaped(ended));
  reap_orphans();
  assert(!is_reaped(spared));
  make_zombie(spared);
  reap_orphans();
  assert(is_reaped(spared));
}

void test_children_without_memory(void) {
  fail_allocations_after(0);
  assert(fork_thread_children_new() == NULL);
  allow_allocations();
  struct fork_thread_children *children = fork_thread_children_new();
  pid_t spared = start_waiting_child(), rejected = start_waiting_child();
  for (int successes = 0; successes < 2; successes++) {
    fail_allocations_after(successes);
    assert(fork_keep_child(children, rejected, 1) == -ENOMEM);
    allow_allocations();
  }
  fail_allocations_after(0);
  assert(fork_begin_spawn(children) == -ENOMEM);
  allow_allocations();

  /* A thread that ends when there is no memory leaves no zombie behind. */
  assert(fork_keep_child(children, spared, 1) == 0 && fork_spare_child(children, spared, 1) == 0);
  fail_allocations_after(0);
  fork_thread_children_end(children);
  allow_allocations();
  make_zombie(spared);
  reap_orphans();
  assert(is_reaped(spared) && !is_reaped(rejected));
  kill(rejected, SIGKILL);
  status_of(rejected);
}

enum { THREADS = 4, ROUNDS = 15 };

/* Keeps a child and a spared zombie, and ends, over and over. */
static void *keep_and_end(void *context) {
  for (int round = 0; round < ROUNDS; round++) {
    struct fork_thread_children *children = fork_thread_children_new();
    pid_t *pids = (pid_t *)context + 2 * round;
    for (int i = 0; i < 2; i++) assert(fork_keep_child(children, pids[i], 1) == 0);
    assert(fork_spare_child(children, pids[0], 1) == 0 && kill(pids[0], SIGKILL) == 0);
    fork_thread_children_end(children);
  }
  return NULL;
}

void test_children_of_threads(void) {
  pthread_t threads[THREADS];
  pid_t pids[THREADS][2 * ROUNDS];
  for (int i = 0; i < THREADS; i++) /* forked before there is a second thread */
    for (int j = 0; j < 2 * ROUNDS; j++) pids[i][j] = start_waiting_child();
  for (int i = 0; i < THREADS; i++) assert(pthread_create(&threads[i], NULL, keep_and_end, pids[i]) == 0);
  for (int i = 0; i < THREADS; i++) assert(pthread_join(threads[i], NULL) == 0);
  for (int i = 0; i < THREADS; i++)
    for (int j = 0; j < 2 * ROUNDS; j++)
      while (!is_reaped(pids[i][j])) reap_orphans(); /* a killed child takes a moment to end */
}
