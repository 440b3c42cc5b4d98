#include "fdpass.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Returns the index of a descriptor, or the count if it is not kept. */
static size_t find(const struct fdpass_kept *self, int fd) {
  for (size_t i = self->count; i-- > 0;)
    if (self->fds[i] == fd) return i;
  return self->count;
}

int fdpass_keep(struct fdpass_kept *self, const int *fds, size_t count) {
  if (self->room - self->count < count) {
    size_t room = 2 * self->room + count;
    int *larger = realloc(self->fds, room * sizeof *larger);
    if (larger == NULL) return -ENOMEM;
    self->fds = larger;
    self->room = room;
  }
  for (size_t i = 0; i < count; i++)
    if (find(self, fds[i]) == self->count) self->fds[self->count++] = fds[i];
  return 0;
}

void fdpass_forget(struct fdpass_kept *self, int fd) {
  size_t at = find(self, fd);
  if (at < self->count) self->fds[at] = self->fds[--self->count];
}

void fdpass_close_kept(struct fdpass_kept *self) {
  for (size_t i = 0; i < self->count; i++) close(self->fds[i]);
  free(self->fds);
  *self = (struct fdpass_kept){0};
}
