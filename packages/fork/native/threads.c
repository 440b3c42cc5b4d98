#include "fork.h"

#include <errno.h>

#ifdef ANYFORK_LINUX

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TASKS "/proc/self/task"
#define STEP_NS 50000
#define MOST_STEPS 100000 /* at least five seconds; longer on a busy system */
/* More threads are looked up anew before each fork. */
#define MOST_KNOWN 32
#define LEAST_FREE 8

/* The threads that a fork need not copy, and open descriptors to look at them: opening the files takes longer than
 * reading them. Only the main thread of an interpreter that takes orders uses this. */
static struct {
  int tasks; /* the folder, or -1 if nothing is known */
  int stats[MOST_KNOWN];
  size_t count;
} known = {.tasks = -1};

/* Returns whether the thread of such a file runs or is about to run, or a negative errno if that cannot be read:
 * -ESRCH if it has ended. The letter of its state follows its name in parentheses (proc_pid_stat(5)). */
static int is_awake(int stat) {
  char text[512];
  ssize_t n = pread(stat, text, sizeof text - 1, 0);
  if (n < 0) return -errno;
  text[n] = '\0';
  const char *end = strrchr(text, ')');
  return end != NULL && end[1] == ' ' && strchr("SZX", end[2]) == NULL;
}

static int open_stat(int tasks, const char *id) {
  char path[32];
  snprintf(path, sizeof path, "%.20s/stat", id);
  int fd = openat(tasks, path, O_RDONLY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

/* Returns whether any other thread is awake, or a negative errno if that cannot be read. A thread that has ended does
 * not run. */
static int is_any_awake(void) {
  DIR *tasks = opendir(TASKS);
  if (tasks == NULL) return -errno;
  long own = syscall(SYS_gettid);
  int found = 0;
  for (struct dirent *entry; found == 0 && (entry = readdir(tasks)) != NULL;) {
    if (entry->d_name[0] == '.' || atol(entry->d_name) == own) continue;
    int stat = open_stat(dirfd(tasks), entry->d_name);
    found = stat < 0 ? stat : is_awake(stat);
    if (stat >= 0) close(stat);
    if (found == -ESRCH || found == -ENOENT) found = 0;
  }
  closedir(tasks);
  return found;
}

static int is_known_awake(void) {
  for (size_t i = 0; i < known.count; i++) {
    int rc = is_awake(known.stats[i]);
    if (rc != 0) return rc;
  }
  return 0;
}

static int wait_until_none(int (*is_awake)(void)) {
  int rc;
  for (int step = 0; (rc = is_awake()) == 1 && step < MOST_STEPS; step++)
    nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
  return rc == 1 ? -EBUSY : rc;
}

/* A thread of V8 that has just been given work, for example by a garbage collection, may hold the lock of its queue. In
 * a child, no thread would ever release that lock, and the next collection would wait for it for ever. A thread that
 * sleeps waits for work and holds no lock, and only the caller gives it work. */
int fork_wait_for_threads(void) { return wait_until_none(is_any_awake); }

void fork_forget_threads(void) {
  for (size_t i = 0; i < known.count; i++) close(known.stats[i]);
  if (known.tasks >= 0) close(known.tasks);
  known.count = 0;
  known.tasks = -1;
}

/* Forks and users' code need some descriptors, too. */
static bool leaves_room(void) {
  int spare[LEAST_FREE], count = 0;
  while (count < LEAST_FREE && (spare[count] = dup(known.tasks)) >= 0) count++;
  bool is_room = count == LEAST_FREE;
  while (count > 0) close(spare[--count]);
  return is_room;
}

int fork_know_threads(const int32_t *ids, size_t count) {
  fork_forget_threads();
  if (count > MOST_KNOWN) return -E2BIG;
  known.tasks = open(TASKS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (known.tasks < 0) return -errno;
  for (size_t i = 0; i < count; i++) {
    char id[12];
    snprintf(id, sizeof id, "%d", ids[i]);
    int stat = open_stat(known.tasks, id);
    if (stat < 0) {
      fork_forget_threads();
      return stat;
    }
    known.stats[known.count++] = stat;
  }
  if (leaves_room()) return 0;
  fork_forget_threads();
  return -EMFILE;
}

/* The folder has two links for itself, and one for each of its folders, one of which is the thread that calls this. */
bool fork_has_known_threads(void) {
  struct stat folder;
  return known.tasks >= 0 && fstat(known.tasks, &folder) == 0 && folder.st_nlink == known.count + 3;
}

/* If there are as many threads as are known and, afterwards, none of those has ended, there is no other one. */
int fork_wait_for_known_threads(void) {
  if (!fork_has_known_threads()) return -ENOENT;
  int rc = wait_until_none(is_known_awake);
  return rc == -ESRCH ? -ENOENT : rc;
}

size_t fork_thread_descriptors(int32_t *out) {
  if (known.tasks < 0) return 0;
  out[0] = known.tasks;
  for (size_t i = 0; i < known.count; i++) out[i + 1] = known.stats[i];
  return known.count + 1;
}

#else

int fork_wait_for_threads(void) { return -ENOSYS; }

void fork_forget_threads(void) {}

int fork_know_threads(const int32_t *ids, size_t count) {
  (void)ids;
  (void)count;
  return -ENOSYS;
}

bool fork_has_known_threads(void) { return false; }

int fork_wait_for_known_threads(void) { return -ENOSYS; }

size_t fork_thread_descriptors(int32_t *out) {
  (void)out;
  return 0;
}

#endif
