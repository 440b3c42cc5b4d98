#include "fork.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#ifdef ANYFORK_LINUX
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Global, because a signal handler gets at nothing else. Only the main thread of an interpreter that takes orders sets
 * it. A forked child inherits it, and sets its own socket. */
static struct {
  int socket;
  struct stat identity;
  char bytes[FORK_MOST_REPORT];
  size_t length;
} report;

/* Starting a thread fails like starting a process (RLIMIT_NPROC, or the limit of the control group). A plain system
 * call: fork(3) runs handlers that may need the locks of the aborted code. */
static bool is_at_limit(void) {
  pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
  if (pid == 0) _exit(0);
  if (pid < 0) return errno == EAGAIN;
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
    ;
  return false;
}

/* SA_RESETHAND: the signal that this raises ends the process as soon as this returns. */
static void on_abort(int number) {
  struct stat now;
  /* Other code may have closed the socket; its number may belong to another file. */
  bool is_same =
    fstat(report.socket, &now) == 0 && now.st_ino == report.identity.st_ino && now.st_dev == report.identity.st_dev;
  if (is_same && is_at_limit()) send(report.socket, report.bytes, report.length, MSG_DONTWAIT | MSG_NOSIGNAL);
  raise(number);
}

void fork_send_thread_limit(int socket) { send(socket, report.bytes, report.length, MSG_DONTWAIT | MSG_NOSIGNAL); }

int fork_report_thread_limit_to(int socket) {
  if (fstat(socket, &report.identity) < 0) return -errno;
  report.socket = socket;
  return 0;
}

int fork_report_thread_limit(int socket, const void *bytes, size_t length) {
  if (length > sizeof report.bytes) return -EMSGSIZE;
  int rc = fork_report_thread_limit_to(socket);
  if (rc < 0) return rc;
  memcpy(report.bytes, bytes, length);
  report.length = length;
  struct sigaction before;
  if (sigaction(SIGABRT, NULL, &before) < 0) return -errno;
  if (before.sa_handler != SIG_DFL) return 0; /* this one is set already, or other code has set its own */
  struct sigaction action = {.sa_handler = on_abort, .sa_flags = SA_RESETHAND};
  return sigaction(SIGABRT, &action, NULL) < 0 ? -errno : 0;
}

#else

void fork_send_thread_limit(int socket) { (void)socket; }

int fork_report_thread_limit_to(int socket) {
  (void)socket;
  return -ENOSYS;
}

int fork_report_thread_limit(int socket, const void *bytes, size_t length) {
  (void)socket;
  (void)bytes;
  (void)length;
  return -ENOSYS;
}

#endif
