#include "fork.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct kept {
  int fd;    /* or -1 */
  pid_t pid; /* or 0 */
  bool is_spared;
};

struct forking_kept {
  struct kept *all;
  size_t count, room;
};

/* Children that have outlived their thread: whoever of all threads comes next reaps them. */
struct left {
  pid_t pid;
  struct left *next;
};

static struct left *all_left;
static pthread_mutex_t left_lock = PTHREAD_MUTEX_INITIALIZER;

static void leave(pid_t pid) {
  struct left *one = malloc(sizeof *one);
  if (one == NULL) return;
  pthread_mutex_lock(&left_lock);
  *one = (struct left){.pid = pid, .next = all_left};
  all_left = one;
  pthread_mutex_unlock(&left_lock);
}

static void reap_left(void) {
  pthread_mutex_lock(&left_lock);
  for (struct left **at = &all_left, *one; (one = *at) != NULL;) {
    if (waitpid(one->pid, NULL, WNOHANG) == 0) {
      at = &one->next;
      continue;
    }
    *at = one->next;
    free(one);
  }
  pthread_mutex_unlock(&left_lock);
}

struct forking_kept *forking_kept_new(void) {
  return calloc(1, sizeof(struct forking_kept));
}

static int keep(struct forking_kept *self, struct kept one) {
  if (self->count == self->room) {
    size_t room = self->room ? 2 * self->room : 16;
    struct kept *all = realloc(self->all, room * sizeof *all);
    if (all == NULL) return -ENOMEM;
    self->all = all;
    self->room = room;
  }
  self->all[self->count++] = one;
  return 0;
}

static int forget(struct forking_kept *self, struct kept one) {
  for (size_t i = self->count; i-- > 0;) {
    if (self->all[i].fd != one.fd || self->all[i].pid != one.pid) continue;
    self->all[i] = self->all[--self->count];
    return 0;
  }
  return -ENOENT;
}

int forking_keep_fd(struct forking_kept *self, int fd, int on) {
  struct kept one = {.fd = fd};
  return on ? keep(self, one) : forget(self, one);
}

int forking_keep_child(struct forking_kept *self, pid_t pid, int on) {
  struct kept one = {.fd = -1, .pid = pid};
  reap_left();
  return on ? keep(self, one) : forget(self, one);
}

int forking_spare_child(struct forking_kept *self, pid_t pid, int on) {
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

void forking_kept_end(struct forking_kept *self) {
  for (size_t i = 0; i < self->count; i++)
    if (self->all[i].fd >= 0) close(self->all[i].fd);
  for (size_t i = 0; i < self->count; i++) {
    if (self->all[i].pid <= 0) continue;
    if (self->all[i].is_spared)
      leave(self->all[i].pid);
    else
      end_child(self->all[i].pid);
  }
  reap_left();
  free(self->all);
  free(self);
}
