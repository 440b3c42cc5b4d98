#include "fork.h"

#ifdef __linux__

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STEP_NS 50000
#define MOST_STEPS 100000 /* at least five seconds; longer on a busy system */

/* Returns whether a thread runs or is about to run, or a negative errno if that cannot be read. The letter of its state
 * follows its name in parentheses (proc_pid_stat(5)). A thread that has ended does not run. */
static int is_awake(int tasks, const char *id) {
  char path[32], text[512];
  snprintf(path, sizeof path, "%.20s/stat", id);
  int fd = openat(tasks, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT || errno == ESRCH ? 0 : -errno;
  ssize_t n = read(fd, text, sizeof text - 1);
  int rc = n < 0 && errno != ESRCH ? -errno : 0;
  close(fd);
  if (rc < 0) return rc;
  text[n > 0 ? n : 0] = '\0';
  const char *end = strrchr(text, ')');
  return end != NULL && end[1] == ' ' && strchr("SZX", end[2]) == NULL;
}

/* Returns whether any other thread is awake, or a negative errno if that cannot be read. */
static int is_any_awake(void) {
  DIR *tasks = opendir("/proc/self/task");
  if (tasks == NULL) return -errno;
  long own = syscall(SYS_gettid);
  int found = 0;
  for (struct dirent *entry; !found && (entry = readdir(tasks)) != NULL;)
    if (entry->d_name[0] != '.' && atol(entry->d_name) != own) found = is_awake(dirfd(tasks), entry->d_name);
  closedir(tasks);
  return found;
}

/* A thread of V8 that has just been given work, for example by a garbage collection, may hold the lock of its queue. In
 * a child, no thread would ever release that lock, and the next collection would wait for it for ever. A thread that
 * sleeps waits for work and holds no lock, and only the caller gives it work. */
int fork_wait_for_threads(void) {
  int rc;
  for (int step = 0; (rc = is_any_awake()) == 1 && step < MOST_STEPS; step++)
    nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
  return rc == 1 ? -EBUSY : rc;
}

#endif
