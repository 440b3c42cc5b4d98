#include "../fork.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLOSED_FD 99999

/* The ends of the lifeline, and those of a pipe with which the child says that it is ready. */
struct pipes {
  int lifeline[2], ready[2];
};

static struct pipes open_pipes(void) {
  struct pipes self;
  assert(pipe2(self.lifeline, O_CLOEXEC) == 0 && pipe2(self.ready, O_CLOEXEC) == 0);
  return self;
}

static void close_pipes(const struct pipes *self) {
  close(self->lifeline[0]);
  close(self->ready[0]);
  close(self->ready[1]);
}

static int arm_and_wait(void *context) {
  const struct pipes *pipes = context;
  close(pipes->lifeline[1]);
  int own = fork_arm_lifeline(pipes->lifeline[0]);
  if (own < 0 || fork_claim_lifeline(own, getpid()) < 0 || write(pipes->ready[1], "x", 1) != 1) return 1;
  for (;;) pause();
  return 0;
}

void test_lifeline(void) {
  struct pipes pipes = open_pipes();
  char byte;
  pid_t pid = start_child(arm_and_wait, &pipes);
  assert(read(pipes.ready[0], &byte, 1) == 1 && waitpid(pid, NULL, WNOHANG) == 0);
  close(pipes.lifeline[1]);
  assert(WTERMSIG(status_of(pid)) == SIGKILL);
  close_pipes(&pipes);
}

static int arm_and_undo(void *context) {
  const struct pipes *pipes = context;
  close(pipes->lifeline[1]);
  int own = fork_arm_lifeline(pipes->lifeline[0]);
  if (own < 0 || close(own) < 0 || write(pipes->ready[1], "x", 1) != 1) return 1;
  char byte;
  return read(pipes->lifeline[0], &byte, 1) == 0 ? 0 : 1; /* waits for the owner's end */
}

void test_lifeline_of_ended_owner(void) {
  struct pipes pipes = open_pipes();
  char byte;
  pid_t undone = start_child(arm_and_undo, &pipes);
  assert(read(pipes.ready[0], &byte, 1) == 1);
  close(pipes.lifeline[1]);
  assert(status_of(undone) == 0);

  pid_t late = start_child(arm_and_wait, &pipes);
  assert(WTERMSIG(status_of(late)) == SIGKILL);
  assert(fork_arm_lifeline(CLOSED_FD) == -ENOENT && fork_claim_lifeline(CLOSED_FD, getpid()) == -EBADF);
  close_pipes(&pipes);
}

static int wait_for_end(void *context) {
  const struct pipes *pipes = context;
  close(pipes->lifeline[1]);
  char byte;
  return write(pipes->ready[1], "x", 1) == 1 && read(pipes->lifeline[0], &byte, 1) == 0 ? 0 : 1;
}

void test_lifeline_of_started_process(void) {
  for (int is_armed = 0; is_armed < 2; is_armed++) {
    struct pipes pipes = open_pipes();
    char byte;
    int own = dup(0);
    assert(fork_open_lifeline(CLOSED_FD, own) == -ENOENT && fork_disarm_lifeline(CLOSED_FD) == -EBADF);
    assert(fork_open_lifeline(pipes.lifeline[0], own) == 0);
    pid_t pid = start_child(wait_for_end, &pipes);
    assert(fork_claim_lifeline(own, pid) == 0 && read(pipes.ready[0], &byte, 1) == 1);
    siginfo_t info;
    assert(kill(pid, SIGSTOP) == 0 && waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT) == 0);
    if (!is_armed) assert(fork_disarm_lifeline(own) == 0);
    close(own); /* the child has inherited it */
    close(pipes.lifeline[1]);
    if (!is_armed) kill(pid, SIGCONT);
    int status = status_of(pid);
    assert(is_armed ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL : status == 0);
    close_pipes(&pipes);
  }
}
