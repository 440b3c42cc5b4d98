#include "../fork.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

void test_signal(void) {
  int pair[2];
  assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  pid_t pid = start_waiting_child(), other = start_waiting_child();
  assert(fork_signal(pid, 0, pair[0], 0) == 0 && fork_signal(pid, 1000, pair[0], 0) == -EINVAL);
  assert(fork_signal(pid, SIGKILL, pair[0], 0) == 0);
  siginfo_t info;
  assert(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
  assert(fork_signal(pid, 0, pair[0], 0) == -ESRCH); /* a zombie, although other processes hold its end of the socket */
  assert(WTERMSIG(status_of(pid)) == SIGKILL && fork_signal(pid, 0, pair[0], 0) == -ESRCH);

  assert(fork_signal(other, 0, pair[0], getuid()) == 0 && fork_signal(other, SIGKILL, pair[0], getuid() + 1) == -ESRCH);
  assert(fork_signal_child(getpid(), other, 0) == 0 && fork_signal_child(getppid(), other, SIGKILL) == -ESRCH);
  assert(fork_signal_child(getpid(), getpid(), SIGKILL) == -ESRCH && fork_signal_child(getpid(), 1, SIGKILL) == -ESRCH);
  assert(fork_signal_child(getpid(), pid, SIGKILL) == -ESRCH);
  assert(shutdown(pair[1], SHUT_RDWR) == 0); /* like a close of the last copy */
  assert(fork_signal(other, SIGKILL, pair[0], 0) == -ESRCH && waitpid(other, NULL, WNOHANG) == 0);
  kill(other, SIGTERM);
  status_of(other);
  close(pair[0]);
  close(pair[1]);
}

void test_signal_without_pidfd(void) {
  int pair[2];
  assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  pid_t pid = start_waiting_child();
  fill_table(0);
  int rc = fork_signal(pid, SIGKILL, pair[0], 0);
  empty_table();
  assert(rc == 0 && WTERMSIG(status_of(pid)) == SIGKILL);
  close(pair[0]);
  close(pair[1]);
}
