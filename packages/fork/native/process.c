#include "fork.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef ANYFORK_LINUX
#include <sys/syscall.h>

int fork_open_process(pid_t pid, int slot) {
  int process = (int)syscall(SYS_pidfd_open, pid, 0);
  if (process < 0) return -errno;
  int rc = dup3(process, slot, O_CLOEXEC) < 0 ? -errno : 0;
  close(process);
  return rc;
}

int fork_open_self(void) {
  int process = (int)syscall(SYS_pidfd_open, getpid(), 0);
  return process < 0 ? -errno : process;
}

int fork_signal_process(int process, int signal) {
  if (fork_process_has_ended(process)) return -ESRCH; /* the system call succeeds until it is reaped */
  return syscall(SYS_pidfd_send_signal, process, signal, NULL, 0) < 0 ? -errno : 0;
}

int fork_process_has_ended(int process) {
  struct pollfd end = {.fd = process, .events = POLLIN};
  return poll(&end, 1, 0) > 0;
}

int fork_own_pid_in_proc(void) {
  char text[16];
  ssize_t length = readlink("/proc/self", text, sizeof text - 1);
  if (length < 0) return -errno;
  text[length] = '\0';
  return atoi(text);
}

int fork_process_pid(int process, int level) {
  int flags = fcntl(process, F_GETFL);
  if (flags < 0) return -errno;
  if (flags & O_EXCL) return -EINVAL; /* PIDFD_THREAD: its end would not be that of the process */
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", process);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -errno;
  char text[512];
  ssize_t length = read(file, text, sizeof text - 1);
  int rc = length < 0 ? -errno : -EINVAL;
  close(file);
  if (length < 0) return rc;
  text[length] = '\0';
  /* -1: it has been reaped; 0: it is in another pid namespace. */
  const char *pid = strstr(text, "\nPid:");
  if (!pid) return -EINVAL;
  long number = strtol(pid + strlen("\nPid:"), NULL, 10);
  if (number <= 0) return 0;
  if (level == 0) return (int)number;
  const char *all = strstr(text, "\nNSpid:");
  char *rest = all ? (char *)all + strlen("\nNSpid:") : "";
  for (int i = 0; i <= level; i++) {
    if (*rest != '\t') return 0;
    number = strtol(rest, &rest, 10);
  }
  return (int)number;
}

#else

int fork_open_process(pid_t pid, int slot) {
  (void)pid;
  (void)slot;
  return -ENOSYS;
}

int fork_open_self(void) { return -ENOSYS; }

int fork_signal_process(int process, int signal) {
  (void)process;
  (void)signal;
  return -ENOSYS;
}

int fork_process_has_ended(int process) {
  (void)process;
  return 0;
}

int fork_own_pid_in_proc(void) { return -ENOENT; }

int fork_process_pid(int process, int level) {
  (void)process;
  (void)level;
  return -ENOSYS;
}

#endif
