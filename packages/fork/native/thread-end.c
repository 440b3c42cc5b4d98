#include "forking.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct kept {
  int fd;    /* or -1 */
  pid_t pid; /* or 0 */
};

struct forking_kept {
  struct kept *all;
  size_t count, room;
};

struct forking_kept *forking_kept_new(void) { return calloc(1, sizeof(struct forking_kept)); }

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
  return on ? keep(self, one) : forget(self, one);
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
  for (size_t i = 0; i < self->count; i++)
    if (self->all[i].pid > 0) end_child(self->all[i].pid);
  free(self->all);
  free(self);
}
