#include "fork.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef ANYFORK_LINUX
#include <fcntl.h>
#include <sys/syscall.h>

/* Returns whether a process has ended or has closed its end of the socket, as far as that can be seen. Either
 * descriptor may be -1. */
static int has_ended(int process, int socket) {
  struct pollfd ends[] = {{.fd = process, .events = POLLIN}, {.fd = socket, .events = 0}};
  if (poll(ends, 2, 0) <= 0) return 0;
  return ends[0].revents != 0 || (ends[1].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

/* Returns whether the pids in /proc are those that this process knows. */
static int is_proc_own(void) { return fork_own_pid_in_proc() == getpid(); }

/* Stores the effective user of a process: the owner of its folder in /proc, proc_pid(5). Needs no descriptor. */
static int user_of(pid_t pid, uid_t *user) {
  char path[32];
  struct stat status;
  if (!is_proc_own()) return -ENOENT;
  snprintf(path, sizeof path, "/proc/%d", (int)pid);
  if (stat(path, &status) < 0) return -errno;
  *user = status.st_uid;
  return 0;
}

/* Returns the parent of a process (proc_pid_stat(5)), or a negative errno. */
static pid_t parent_of(pid_t pid) {
  char path[32], text[256];
  if (!is_proc_own()) return -ENOENT;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -errno;
  ssize_t length = read(file, text, sizeof text - 1);
  int error = errno;
  close(file);
  if (length < 0) return -error;
  text[length] = '\0';
  const char *name_end = strrchr(text, ')'); /* the name may have any bytes; the state and the parent follow it */
  int parent;
  return name_end != NULL && sscanf(name_end, ") %*c %d", &parent) == 1 ? parent : -EINVAL;
}

/* Sends a signal to the process that a pidfd refers to or, without one (-1), to the process with the pid. There is no
 * pidfd before Linux 5.3, where a filter forbids the call, or if no descriptor is free. A filter may also forbid only
 * that signals are sent by it, as if this process were not permitted to send them. A signal that might very rarely
 * hit another process is then better than a process that is never ended. */
static int send_signal(int process, pid_t pid, int signal) {
  int rc = process < 0 ? -1 : (int)syscall(SYS_pidfd_send_signal, process, signal, NULL, 0);
  if (process < 0 || (rc < 0 && (errno == ENOSYS || errno == EPERM))) rc = kill(pid, signal);
  return rc < 0 ? -errno : 0;
}

/* While the other end of the socket is open, the pid still belongs to the process, and the pidfd that was opened before
 * refers to it. The only other process that may hold that end, for a moment, is the one that has forked it, which
 * reaps it only later. A hostile process may pass that end on, and end. Then the check of the user still ensures that
 * no process is signalled that the hostile one could not have signalled itself. */
int fork_signal(pid_t pid, int signal, int socket, uid_t user) {
  int process = (int)syscall(SYS_pidfd_open, pid, 0);
  if (process < 0 && errno == ESRCH) return -ESRCH;
  uid_t actual;
  int is_of_another = user != 0 && user_of(pid, &actual) == 0 && actual != user;
  int rc = is_of_another || has_ended(process, socket) ? -ESRCH : send_signal(process, pid, signal);
  if (process >= 0) close(process);
  return rc;
}

int fork_signal_child(pid_t parent, pid_t pid, int signal) {
  int process = (int)syscall(SYS_pidfd_open, pid, 0);
  if (process < 0 && errno == ESRCH) return -ESRCH;
  uid_t user, parents_user;
  int is_child =
    parent_of(pid) == parent && user_of(pid, &user) == 0 && user_of(parent, &parents_user) == 0 && user == parents_user;
  int rc = is_child && !has_ended(process, -1) ? send_signal(process, pid, signal) : -ESRCH;
  if (process >= 0) close(process);
  return rc;
}

#else

#ifdef __APPLE__
#include <libproc.h>
#endif

/* What the system says of a process that runs. */
struct description {
  pid_t parent;
  uid_t user; /* the effective one */
};

/* Returns 0, -ESRCH if the process has ended, whether it has been reaped or not, or another negative errno if the
 * system does not tell. */
static int describe(pid_t pid, struct description *out) {
#ifdef __APPLE__
  struct proc_bsdshortinfo info;
  /* The argument 0 leaves out zombies. The function returns how many bytes it has stored. */
  if (proc_pidinfo(pid, PROC_PIDT_SHORTBSDINFO, 0, &info, sizeof info) < (int)sizeof info) return -errno;
  *out = (struct description){.parent = (pid_t)info.pbsi_ppid, .user = info.pbsi_uid};
  return 0;
#else
  /* The code for macOS, tested on Linux: proc_pid(5) and proc_pid_stat(5) tell the same. */
  char path[32], state;
  struct stat status;
  int parent;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE *file = fopen(path, "re");
  if (file == NULL) return kill(pid, 0) < 0 && errno == ESRCH ? -ESRCH : -ENOENT;
  bool is_complete = fscanf(file, "%*d (%*[^)]) %c %d", &state, &parent) == 2 && fstat(fileno(file), &status) == 0;
  fclose(file);
  if (!is_complete || state == 'Z' || state == 'X') return -ESRCH;
  *out = (struct description){.parent = parent, .user = status.st_uid};
  return 0;
#endif
}

/* Returns whether the other end of the socket is closed. */
static bool is_closed(int socket) {
  struct pollfd end = {.fd = socket, .events = POLLIN};
  return poll(&end, 1, 0) > 0 && (end.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

/* While the other end of the socket is open, the pid still belongs to the process. There is no pidfd, so a moment
 * remains between the look and the signal, in which the process may end and its pid be given to another one. */
int fork_signal(pid_t pid, int signal, int socket, uid_t user) {
  struct description process;
  if (is_closed(socket)) return -ESRCH;
  int rc = describe(pid, &process);
  if (rc == -ESRCH || (rc == 0 && user != 0 && process.user != user)) return -ESRCH;
  return kill(pid, signal) < 0 ? -errno : 0;
}

int fork_signal_child(pid_t parent, pid_t pid, int signal) {
  struct description child, its_parent;
  if (describe(pid, &child) < 0 || describe(parent, &its_parent) < 0) return -ESRCH;
  if (child.parent != parent || child.user != its_parent.user) return -ESRCH;
  return kill(pid, signal) < 0 ? -errno : 0;
}

#endif
