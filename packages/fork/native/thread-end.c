#include "fork.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child, and once it has outlived its thread, an orphan in a list. Allocated when the child is kept, so that its
 * thread can end without memory. */
struct child {
  pid_t pid;
  bool is_spared;
  struct child *next;
};

/* A descriptor or a child. */
struct resource {
  int fd;              /* or -1 */
  struct child *child; /* or NULL */
};

struct fork_thread_resources {
  struct resource *all;
  size_t count, room;
};

/* Children that have outlived their thread. The list is global because an orphan belongs to no thread: the next thread
 * that keeps a child or ends reaps those that have ended. binding.gyp keeps the addon loaded, and so the list. Only
 * threads with an environment of their own get here. A forked child inherits the list, but has no such threads, and
 * could not wait for the processes in it: they are its parent's (ECHILD). */
static struct {
  pthread_mutex_t lock;
  struct child *first;
} orphans = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void adopt_orphan(struct child *child) {
  pthread_mutex_lock(&orphans.lock);
  child->next = orphans.first;
  orphans.first = child;
  pthread_mutex_unlock(&orphans.lock);
}

static void reap_orphans(void) {
  pthread_mutex_lock(&orphans.lock);
  for (struct child **at = &orphans.first, *one; (one = *at) != NULL;) {
    if (waitpid(one->pid, NULL, WNOHANG) == 0) { /* it has not ended */
      at = &one->next;
      continue;
    }
    *at = one->next;
    free(one);
  }
  pthread_mutex_unlock(&orphans.lock);
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

static int forget(struct fork_thread_resources *self, size_t at) {
  if (at == self->count) return -ENOENT;
  free(self->all[at].child);
  self->all[at] = self->all[--self->count];
  return 0;
}

/* Returns the index of a descriptor, or the count if it is not kept. */
static size_t find_fd(const struct fork_thread_resources *self, int fd) {
  for (size_t i = self->count; i-- > 0;)
    if (self->all[i].fd == fd) return i;
  return self->count;
}

/* Returns the index of a child, or the count if it is not kept. Looks from the end: an earlier entry with the same pid
 * is that of a child that other code has reaped. */
static size_t find_child(const struct fork_thread_resources *self, pid_t pid) {
  for (size_t i = self->count; i-- > 0;)
    if (self->all[i].child != NULL && self->all[i].child->pid == pid) return i;
  return self->count;
}

int fork_keep_fd(struct fork_thread_resources *self, int fd, int on) {
  return on ? keep(self, (struct resource){.fd = fd}) : forget(self, find_fd(self, fd));
}

int fork_keep_child(struct fork_thread_resources *self, pid_t pid, int on) {
  reap_orphans();
  if (!on) return forget(self, find_child(self, pid));
  struct child *child = malloc(sizeof *child);
  if (child == NULL) return -ENOMEM;
  *child = (struct child){.pid = pid};
  int rc = keep(self, (struct resource){.fd = -1, .child = child});
  if (rc < 0) free(child);
  return rc;
}

int fork_spare_child(struct fork_thread_resources *self, pid_t pid, int on) {
  size_t at = find_child(self, pid);
  if (at == self->count) return -ENOENT;
  self->all[at].child->is_spared = on;
  return 0;
}

/* Kills and reaps a child, unless other code has reaped it: its pid may then belong to another process. While it is not
 * reaped, the kernel gives its pid to no other. */
static void end_child(pid_t pid) {
  siginfo_t info = {0};
  if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0) return;
  kill(pid, SIGKILL);
  pid_t rc;
  do rc = waitpid(pid, NULL, 0);
  while (rc < 0 && errno == EINTR);
}

void fork_thread_resources_end(struct fork_thread_resources *self) {
  for (size_t i = 0; i < self->count; i++)
    if (self->all[i].fd >= 0) close(self->all[i].fd); /* first: children may end because of that */
  for (size_t i = 0; i < self->count; i++) {
    struct child *child = self->all[i].child;
    if (child == NULL) continue;
    if (child->is_spared) {
      adopt_orphan(child);
    } else {
      end_child(child->pid);
      free(child);
    }
  }
  reap_orphans();
  free(self->all);
  free(self);
}
