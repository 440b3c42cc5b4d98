#include "fork.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct resource {
  int fd;    /* or -1 */
  pid_t pid; /* or 0 */
  bool is_spared;
};

struct fork_thread_resources {
  struct resource *all;
  size_t count, room;
};

/* Children that have outlived their thread: whoever of all threads comes next reaps them. */
struct orphan {
  pid_t pid;
  struct orphan *next;
};

static struct orphan *orphans;
static pthread_mutex_t orphans_lock = PTHREAD_MUTEX_INITIALIZER;

static void adopt_orphan(pid_t pid) {
  struct orphan *one = malloc(sizeof *one);
  if (one == NULL) return;
  pthread_mutex_lock(&orphans_lock);
  *one = (struct orphan){.pid = pid, .next = orphans};
  orphans = one;
  pthread_mutex_unlock(&orphans_lock);
}

static void reap_orphans(void) {
  pthread_mutex_lock(&orphans_lock);
  for (struct orphan **at = &orphans, *one; (one = *at) != NULL;) {
    if (waitpid(one->pid, NULL, WNOHANG) == 0) {
      at = &one->next;
      continue;
    }
    *at = one->next;
    free(one);
  }
  pthread_mutex_unlock(&orphans_lock);
}

struct fork_thread_resources *fork_thread_resources_new(void) {
  return calloc(1, sizeof(struct fork_thread_resources));
}

static int keep(struct fork_thread_resources *self, struct resource one) {
  if (self->count == self->room) {
    size_t room = self->room ? 2 * self->room : 16;
    struct resource *all = realloc(self->all, room * sizeof *all);
    if (all == NULL) return -ENOMEM;
    self->all = all;
    self->room = room;
  }
  self->all[self->count++] = one;
  return 0;
}

static int forget(struct fork_thread_resources *self, struct resource one) {
  for (size_t i = self->count; i-- > 0;) {
    if (self->all[i].fd != one.fd || self->all[i].pid != one.pid) continue;
    self->all[i] = self->all[--self->count];
    return 0;
  }
  return -ENOENT;
}

int fork_keep_fd(struct fork_thread_resources *self, int fd, int on) {
  struct resource one = {.fd = fd};
  return on ? keep(self, one) : forget(self, one);
}

int fork_keep_child(struct fork_thread_resources *self, pid_t pid, int on) {
  struct resource one = {.fd = -1, .pid = pid};
  reap_orphans();
  return on ? keep(self, one) : forget(self, one);
}

int fork_spare_child(struct fork_thread_resources *self, pid_t pid, int on) {
  for (size_t i = 0; i < self->count; i++) {
    if (self->all[i].pid != pid) continue;
    self->all[i].is_spared = on;
    return 0;
  }
  return -ENOENT;
}

/* The pid is this process's child, or nobody's who may be hit: as long as nobody
 * has reaped it, it is given to no other. */
static void end_child(pid_t pid) {
  siginfo_t info = {0};
  if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0) return;
  kill(pid, SIGKILL);
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
    ;
}

void fork_thread_resources_end(struct fork_thread_resources *self) {
  for (size_t i = 0; i < self->count; i++)
    if (self->all[i].fd >= 0) close(self->all[i].fd);
  for (size_t i = 0; i < self->count; i++) {
    if (self->all[i].pid <= 0) continue;
    if (self->all[i].is_spared)
      adopt_orphan(self->all[i].pid);
    else
      end_child(self->all[i].pid);
  }
  reap_orphans();
  free(self->all);
  free(self);
}
