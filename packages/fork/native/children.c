#include "fork.h"

#include <errno.h>
#include <stdlib.h>

int fork_children_reserve(struct fork_children *self) {
  if (self->count < self->room) return 0;
  size_t room = self->room ? 2 * self->room : 16;
  pid_t *pids = realloc(self->pids, room * sizeof *pids);
  if (pids == NULL) return -ENOMEM;
  self->pids = pids;
  self->room = room;
  return 0;
}

int fork_children_add(struct fork_children *self, pid_t pid) {
  for (size_t i = 0; i < self->count; i++)
    if (self->pids[i] == pid) return 0;
  int rc = fork_children_reserve(self);
  if (rc == 0) self->pids[self->count++] = pid;
  return rc;
}

/* Those that were made last tend to end last, so a search begins at the front. */
int fork_children_remove(struct fork_children *self, pid_t pid) {
  for (size_t i = 0; i < self->count; i++) {
    if (self->pids[i] != pid) continue;
    self->pids[i] = self->pids[--self->count];
    return 1;
  }
  return 0;
}
