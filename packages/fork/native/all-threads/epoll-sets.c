#include "notes.h"

#ifdef FORK_COPIES_THREADS

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

struct watch {
  struct watch *next;
  int fd;
  struct epoll_event event;
};

struct set {
  struct set *next;
  int fd, flags;
  struct watch *first;
};

static struct set *first;

void fork_clear_epoll_sets(void) { first = NULL; }

/* Returns whether the number still refers to the file that was watched: it may have been closed while another
 * descriptor of the file is open. */
static bool is_same_file(int fd, unsigned long long inode) {
  struct stat file;
  return fstat(fd, &file) == 0 && file.st_ino == inode;
}

/* "tfd: 9 events: 19 data: 9 pos:0 ino:b sdev:8" (proc_pid_fdinfo(5)) */
static int note_line(const char *line, void *context) {
  struct set *self = context;
  const char *text = fork_field(line, "flags:\t");
  if (text) self->flags = (int)strtol(text, NULL, 8);
  if (!fork_field(line, "tfd:")) return 0;
  const char *events = strstr(line, "events:"), *data = strstr(line, "data:"), *inode = strstr(line, "ino:");
  if (!events || !data || !inode) return fork_refuse(-ENOTSUP, "the kernel does not describe what epoll(7) watches");
  int fd = atoi(line + strlen("tfd:"));
  if (!is_same_file(fd, strtoull(inode + strlen("ino:"), NULL, 16))) return 0;
  struct watch *watch = fork_note(sizeof *watch);
  if (watch == NULL) return -ENOMEM;
  watch->fd = fd;
  watch->event.events = (uint32_t)strtoul(events + strlen("events:"), NULL, 16);
  watch->event.data.u64 = strtoull(data + strlen("data:"), NULL, 16);
  watch->next = self->first;
  self->first = watch;
  return 0;
}

int fork_note_epoll_set(int fd) {
  struct set *self = fork_note(sizeof *self);
  if (self == NULL) return -ENOMEM;
  *self = (struct set){.next = first, .fd = fd};
  first = self;
  return 0;
}

int fork_note_watches(void) {
  int rc = 0;
  for (struct set *one = first; rc == 0 && one != NULL; one = one->next) rc = fork_each_info(one->fd, note_line, one);
  return rc;
}

static int renew(const struct set *self) {
  close(self->fd);
  return fork_put(epoll_create1(EPOLL_CLOEXEC), self->fd, self->flags);
}

static int watch_all(const struct set *self) {
  for (struct watch *one = self->first; one != NULL; one = one->next)
    if (epoll_ctl(self->fd, EPOLL_CTL_ADD, one->fd, &one->event) < 0 && errno != EEXIST) return -errno;
  return 0;
}

/* A set may watch another one. */
int fork_renew_epoll_sets(void) {
  int rc = 0;
  for (const struct set *one = first; rc == 0 && one != NULL; one = one->next) rc = renew(one);
  for (const struct set *one = first; rc == 0 && one != NULL; one = one->next) rc = watch_all(one);
  return rc;
}

#endif
