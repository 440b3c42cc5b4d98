#include "../fork.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int exit_with(void *context) { return *(int *)context; }

/* Waits until a child is a zombie. */
static void wait_for_end(pid_t pid) {
  siginfo_t info;
  assert(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
}

void test_ended_children(void) {
  struct fork_status status;
  int code = 7;
  assert(fork_peek_ended(&status) == 0);
  pid_t waiting = start_waiting_child();
  assert(fork_peek_ended(&status) == 0 && fork_peek_ended_one(waiting, &status) == 0 && fork_reap(waiting) == 0);
  pid_t exited = start_child(exit_with, &code);
  wait_for_end(exited);
  for (int i = 0; i < 2; i++) { /* a look changes nothing */
    assert(fork_peek_ended(&status) == 1);
    assert(status.pid == exited && status.code == 7 && status.signal == 0);
  }
  assert(fork_reap(exited) == 1 && fork_reap(exited) == -ECHILD && fork_peek_ended_one(exited, &status) == -ECHILD);
  kill(waiting, SIGTERM);
  wait_for_end(waiting);
  assert(fork_peek_ended_one(waiting, &status) == 1);
  assert(status.pid == waiting && status.code == -1 && status.signal == SIGTERM);
  assert(fork_reap(waiting) == 1);
}

static int start_grandchild(void *context) {
  start_child(exit_with, context);
  return 0;
}

static int adopt_grandchild(void *context) {
  struct fork_status status;
  if (fork_become_subreaper() < 0) return 1;
  pid_t child = start_child(start_grandchild, context);
  if (status_of(child) != 0) return 2;
  int rc;
  while ((rc = fork_peek_ended(&status)) == 0) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  return rc == 1 && status.pid != child && fork_reap(status.pid) == 1 ? status.code : 3;
}

void test_subreaper(void) {
  int code = 9;
  int status = status_of(start_child(adopt_grandchild, &code)); /* in a child, as it cannot be undone there either */
  assert(WIFEXITED(status) && WEXITSTATUS(status) == code);
}

void test_children(void) {
  struct fork_children children = {0};
  fail_allocations_after(0);
  assert(fork_children_reserve(&children) == -ENOMEM && fork_children_add(&children, 1) == -ENOMEM);
  allow_allocations();
  for (pid_t pid = 1; pid <= 100; pid++) assert(fork_children_add(&children, pid) == 0);
  for (pid_t pid = 100; pid > 0; pid -= 2) assert(fork_children_remove(&children, pid) == 1);
  assert(children.count == 50 && fork_children_remove(&children, 100) == 0 && fork_children_remove(&children, 99) == 1);
  free(children.pids);
}
