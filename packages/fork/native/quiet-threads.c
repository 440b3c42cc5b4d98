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
#define MOST_STEPS 100000 /* five seconds, and more where the system is busy */

/* Whether a thread runs, or wants to: its state is what follows its name in
 * parentheses (proc_pid_stat(5)). One that has ended does not. A negative errno when
 * that cannot be seen. */
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

/* Whether any other thread is awake; a negative errno when that cannot be seen. */
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

/* A thread of V8 that has just been given work, by a garbage collection say, may hold
 * the lock of its queue. In a child that would never be released, and the next
 * collection wait for it for ever. So no other thread may be on its way: they all sleep,
 * as they do when they wait for work, and nobody but the caller gives them any. */
int fork_wait_for_threads(void) {
  int rc;
  for (int step = 0; (rc = is_any_awake()) == 1 && step < MOST_STEPS; step++)
    nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
  return rc == 1 ? -EBUSY : rc;
}

#endif
