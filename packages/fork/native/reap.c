#include "fork.h"

#include <errno.h>
#include <sys/wait.h>

#ifdef ANYFORK_LINUX
#include <sys/prctl.h>

int fork_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0; }
#else
int fork_become_subreaper(void) { return -ENOSYS; }
#endif

/* Worker threads reap their own children, so the main thread must not see them (waitid(2), Linux). */
#if defined(ANYFORK_LINUX) && defined(__WNOTHREAD)
#define OF_THIS_THREAD __WNOTHREAD
#else
#define OF_THIS_THREAD 0
#endif

static int peek(idtype_t type, id_t id, int options, struct fork_status *status) {
  siginfo_t info = {0};
  int rc;
  do rc = waitid(type, id, &info, WEXITED | WNOHANG | WNOWAIT | options);
  while (rc < 0 && errno == EINTR);
  if (rc < 0) return -errno;
  if (info.si_pid == 0) return 0;
  int exited = info.si_code == CLD_EXITED;
  *status = (struct fork_status){
    .pid = info.si_pid,
    .code = exited ? info.si_status : -1,
    .signal = exited ? 0 : info.si_status,
  };
  return 1;
}

int fork_peek_ended(struct fork_status *status) {
  int rc = peek(P_ALL, 0, OF_THIS_THREAD, status);
  return rc == -ECHILD ? 0 : rc;
}

int fork_peek_ended_one(pid_t pid, struct fork_status *status) { return peek(P_PID, (id_t)pid, 0, status); }

int fork_reap(pid_t pid) {
  pid_t rc;
  do rc = waitpid(pid, NULL, WNOHANG);
  while (rc < 0 && errno == EINTR);
  return rc < 0 ? -errno : rc > 0;
}
