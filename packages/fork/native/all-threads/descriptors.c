#include "../fork.h"
#include "notes.h"

#ifdef FORK_COPIES_THREADS

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int fork_each_info(int fd, int (*visit)(const char *line, void *context), void *context) {
  char path[40];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  return fork_each_line(path, visit, context);
}

const char *fork_field(const char *line, const char *name) {
  size_t length = strlen(name);
  return strncmp(line, name, length) == 0 ? line + length : NULL;
}

int fork_put(int fd, int number, int flags) {
  if (fd < 0) return -errno;
  if (fd == number) return fcntl(fd, F_SETFD, flags & O_CLOEXEC ? FD_CLOEXEC : 0) < 0 ? -errno : 0;
  int rc = dup3(fd, number, flags & O_CLOEXEC) < 0 ? -errno : 0;
  close(fd);
  return rc;
}

/* The names of anonymous files, as readlink(2) returns them. */
static int note_anonymous(int fd, const char *name) {
  if (strcmp(name, "anon_inode:[eventfd]") == 0) return fork_note_counter(fd, COUNTER_EVENT);
  if (strcmp(name, "anon_inode:[eventpoll]") == 0) return fork_note_epoll_set(fd);
  if (strcmp(name, "anon_inode:[timerfd]") == 0) return fork_note_counter(fd, COUNTER_TIMER);
  if (strcmp(name, "anon_inode:[signalfd]") == 0) return fork_note_counter(fd, COUNTER_SIGNAL);
  if (strcmp(name, "anon_inode:inotify") == 0) return fork_note_counter(fd, COUNTER_INOTIFY);
  if (strcmp(name, "anon_inode:[io_uring]") == 0) return fork_note_ring(fd);
  return 0;
}

static int note_one(int fd, int folder, void *highest) {
  struct stat file;
  if (fd == folder || fstat(fd, &file) < 0) return 0;
  bool is_anonymous = (file.st_mode & S_IFMT) == 0, is_pipe = S_ISFIFO(file.st_mode);
  if (!is_anonymous && !is_pipe) return 0;
  char path[40], name[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(path, name, sizeof name - 1);
  if (length < 0) return -errno;
  name[length] = '\0';
  if (is_anonymous && fd > *(int *)highest) *(int *)highest = fd;
  if (is_anonymous) return note_anonymous(fd, name);
  return strncmp(name, "pipe:[", 6) == 0 ? fork_note_pipe_end(fd, file.st_ino) : 0;
}

/* A number above the limit cannot be taken again (dup2(2)). */
static bool is_within_limit(int fd) {
  struct rlimit limit;
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)fd < limit.rlim_cur;
}

int fork_note_descriptors(int dropped, int shared) {
  int highest = 0;
  int rc = fork_clear_notes();
  if (rc == 0) rc = fork_each_number("/proc/self/fd", note_one, &highest);
  if (rc == 0) rc = fork_note_pipes(dropped, shared);
  if (rc == 0) rc = fork_give_up_rings();
  if (rc == 0) rc = fork_note_watches();
  if (fork_highest_pipe_end() > highest) highest = fork_highest_pipe_end();
  return rc == 0 && !is_within_limit(highest) ? -EMFILE : rc;
}

bool fork_is_renewed(int fd) { return fork_is_counter(fd) || fork_is_private_pipe(fd); }

/* The sets come last: they watch the others. */
int fork_renew_descriptors(void) {
  int rc = fork_renew_counters();
  if (rc == 0) rc = fork_renew_pipes();
  return rc == 0 ? fork_renew_epoll_sets() : rc;
}

#endif
