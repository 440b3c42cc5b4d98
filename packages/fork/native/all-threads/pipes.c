#include "notes.h"

#ifdef FORK_COPIES_THREADS

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct end {
  struct end *next;
  int fd, status, flags; /* those of open(2), and O_CLOEXEC */
};

/* The descriptors of a pipe. */
struct pipe {
  struct pipe *next;
  unsigned long long inode;
  struct end *readers, *writers;
  bool is_shared;
  int capacity;
  char *octets;
  size_t length;
};

static struct pipe *first;

void fork_clear_pipes(void) { first = NULL; }

static struct pipe *find(unsigned long long inode) {
  for (struct pipe *one = first; one != NULL; one = one->next)
    if (one->inode == inode) return one;
  struct pipe *new = fork_note(sizeof *new);
  if (new == NULL) return NULL;
  *new = (struct pipe){.next = first, .inode = inode};
  return first = new;
}

int fork_note_pipe_end(int fd, unsigned long long inode) {
  struct pipe *pipe = find(inode);
  struct end *end = fork_note(sizeof *end);
  if (pipe == NULL || end == NULL) return -ENOMEM;
  int status = fcntl(fd, F_GETFL), flags = fcntl(fd, F_GETFD);
  struct end **list = (status & O_ACCMODE) == O_WRONLY ? &pipe->writers : &pipe->readers;
  *end = (struct end){*list, fd, status, flags & FD_CLOEXEC ? O_CLOEXEC : 0};
  *list = end;
  return 0;
}

/* A pipe with only one end here leads to another process. */
static bool is_private(const struct pipe *self) {
  return self->readers != NULL && self->writers != NULL && !self->is_shared;
}

static bool has_reader(const struct pipe *self, int fd) {
  for (const struct end *end = self->readers; end != NULL; end = end->next)
    if (end->fd == fd) return true;
  return false;
}

bool fork_is_private_pipe(int fd) {
  for (const struct pipe *one = first; one != NULL; one = one->next)
    if (is_private(one) && has_reader(one, fd)) return true;
  return false;
}

/* Reads the octets without taking them out (tee(2)). */
static int copy_octets(struct pipe *self, size_t length) {
  int copy[2];
  if (pipe2(copy, O_CLOEXEC | O_NONBLOCK) < 0) return -errno;
  fcntl(copy[1], F_SETPIPE_SZ, self->capacity);
  ssize_t n = tee(self->readers->fd, copy[1], length, SPLICE_F_NONBLOCK);
  self->octets = n < 0 ? NULL : fork_note((size_t)n);
  if (self->octets != NULL) n = read(copy[0], self->octets, (size_t)n);
  close(copy[0]);
  close(copy[1]);
  if (self->octets == NULL || n < 0 || (size_t)n != length)
    return fork_refuse(
      -ENOTSUP, "the octets in a pipe of the process itself (descriptor %d) cannot be copied", self->readers->fd);
  self->length = length;
  return 0;
}

int fork_note_pipes(int dropped, int shared) {
  for (struct pipe *one = first; one != NULL; one = one->next) {
    int length = 0;
    one->is_shared = has_reader(one, shared);
    if (!is_private(one)) continue;
    one->capacity = fcntl(one->readers->fd, F_GETPIPE_SZ);
    if (ioctl(one->readers->fd, FIONREAD, &length) < 0) return -errno;
    int rc = length > 0 && one->readers->fd != dropped ? copy_octets(one, (size_t)length) : 0;
    if (rc < 0) return rc;
  }
  return 0;
}

static int highest_of(const struct end *ends) {
  int highest = -1;
  for (; ends != NULL; ends = ends->next)
    if (ends->fd > highest) highest = ends->fd;
  return highest;
}

int fork_highest_pipe_end(void) {
  int highest = -1;
  for (const struct pipe *one = first; one != NULL; one = one->next) {
    if (!is_private(one)) continue;
    int reader = highest_of(one->readers), writer = highest_of(one->writers),
        higher = reader > writer ? reader : writer;
    if (higher > highest) highest = higher;
  }
  return highest;
}

/* All descriptors of an end may share one open file. */
static int put(int fd, const struct end *ends) {
  if (fcntl(fd, F_SETFL, ends->status) < 0) return -errno;
  int rc = fork_put(fd, ends->fd, ends->flags);
  for (const struct end *other = ends->next; rc == 0 && other != NULL; other = other->next)
    rc = dup3(ends->fd, other->fd, other->flags) < 0 ? -errno : 0;
  return rc;
}

/* Moves a descriptor to another number, so that its own is free. */
static int move(int *fd) {
  int moved = fcntl(*fd, F_DUPFD_CLOEXEC, 0);
  if (moved < 0) return -errno;
  close(*fd);
  *fd = moved;
  return 0;
}

static int renew(const struct pipe *self) {
  int fds[2];
  close(self->readers->fd); /* so that there are free numbers */
  close(self->writers->fd);
  if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) return -errno;
  if (fcntl(fds[1], F_GETPIPE_SZ) != self->capacity) fcntl(fds[1], F_SETPIPE_SZ, self->capacity);
  if (self->length > 0 && write(fds[1], self->octets, self->length) != (ssize_t)self->length) return -EIO;
  int rc = fds[1] == self->readers->fd ? move(&fds[1]) : 0;
  if (rc == 0) rc = put(fds[0], self->readers);
  return rc == 0 ? put(fds[1], self->writers) : rc;
}

int fork_renew_pipes(void) {
  int rc = 0;
  for (const struct pipe *one = first; rc == 0 && one != NULL; one = one->next)
    if (is_private(one)) rc = renew(one);
  return rc;
}

#endif
