#include "../fork.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void test_pid_in_own_namespace(void) {
  pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWPID) < 0) _exit(0); /* not permitted */
    int pid = start_waiting_child();
    int process = dup(0);
    assert(fork_open_process(pid, process) == 0 && fork_process_pid(process, 1) == 1);
    assert(fork_signal_process(process, SIGKILL) == 0);
    _exit(WTERMSIG(status_of(pid)) == SIGKILL ? 0 : 1);
  }
  assert(status_of(child) == 0);
}

void test_process_descriptor(void) {
  pid_t pid = start_waiting_child();
  int process = dup(0);
  assert(fork_open_process(pid, process) == 0 && fork_process_pid(process, 0) == pid);
  assert(fork_process_pid(process, 9) == 0);
  assert(fcntl(process, F_GETFD) == FD_CLOEXEC);
  assert(!fork_process_has_ended(process) && fork_signal_process(process, 0) == 0);
  assert(fork_signal_process(process, 1000) == -EINVAL);
  assert(fork_signal_process(process, SIGKILL) == 0);
  siginfo_t info;
  assert(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
  assert(fork_process_has_ended(process) && fork_signal_process(process, SIGKILL) == -ESRCH); /* a zombie */
  assert(WTERMSIG(status_of(pid)) == SIGKILL);
  assert(fork_process_has_ended(process) && fork_signal_process(process, 0) == -ESRCH);
  assert(fork_process_pid(process, 0) == 0);
  close(process);

  int other = dup(0);
  assert(fork_open_process(pid, other) == -ESRCH && fork_open_process(-1, other) == -EINVAL);
  assert(fork_process_pid(other, 0) == -EINVAL && fork_signal_process(other, 0) < 0);
  close(other);

  int thread = (int)syscall(SYS_pidfd_open, getpid(), O_EXCL); /* PIDFD_THREAD, since Linux 6.9 */
  assert(thread < 0 || (fork_process_pid(thread, 0) == -EINVAL && close(thread) == 0));
}
