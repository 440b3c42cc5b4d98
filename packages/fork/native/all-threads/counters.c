#include "notes.h"

#ifdef FORK_COPIES_THREADS

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS _IOW('T', 0, uint64_t)
#endif

struct counter {
  struct counter *next;
  int fd, flags;
  enum fork_counter_kind kind;
  uint64_t count; /* of events; the expirations of a timer that have not been read */
  int id;         /* of an eventfd: the same for all its descriptors; -1 if the kernel does not tell */
  bool is_semaphore, has_watches;
  int clock;
  struct itimerspec timer;
  uint64_t signals;
};

static struct counter *first;

void fork_clear_counters(void) { first = NULL; }

bool fork_is_counter(int fd) {
  for (const struct counter *one = first; one != NULL; one = one->next)
    if (one->fd == fd) return true;
  return false;
}

/* "(seconds, nanoseconds)" */
static struct timespec parse_time(const char *text) {
  char *rest;
  long seconds = strtol(text + (*text == '('), &rest, 10);
  return (struct timespec){seconds, *rest == ',' ? strtol(rest + 1, NULL, 10) : 0};
}

/* proc_pid_fdinfo(5) */
static int note_line(const char *line, void *context) {
  struct counter *self = context;
  const char *text;
  if ((text = fork_field(line, "flags:\t")))
    self->flags = (int)strtol(text, NULL, 8);
  else if ((text = fork_field(line, "eventfd-count:")))
    self->count = strtoull(text, NULL, 16);
  else if ((text = fork_field(line, "eventfd-id:")))
    self->id = atoi(text);
  else if ((text = fork_field(line, "eventfd-semaphore:")))
    self->is_semaphore = atoi(text) != 0;
  else if ((text = fork_field(line, "clockid:")))
    self->clock = atoi(text);
  else if ((text = fork_field(line, "ticks:")))
    self->count = strtoull(text, NULL, 10);
  else if ((text = fork_field(line, "it_value: ")))
    self->timer.it_value = parse_time(text);
  else if ((text = fork_field(line, "it_interval: ")))
    self->timer.it_interval = parse_time(text);
  else if ((text = fork_field(line, "sigmask:\t")))
    self->signals = strtoull(text, NULL, 16);
  else if (fork_field(line, "inotify wd:"))
    self->has_watches = true;
  return 0;
}

int fork_note_counter(int fd, enum fork_counter_kind kind) {
  struct counter *self = fork_note(sizeof *self);
  if (self == NULL) return -ENOMEM;
  *self = (struct counter){.next = first, .fd = fd, .kind = kind, .id = -1};
  int rc = fork_each_info(fd, note_line, self);
  /* The kernel tells which files are watched, but not their paths. */
  if (rc == 0 && self->has_watches)
    return fork_refuse(
      -ENOTSUP, "descriptor %d watches files (inotify(7)), and a child could not watch them by itself", fd);
  if (rc == 0) first = self;
  return rc;
}

static const struct counter *earlier_of_same(const struct counter *self) {
  for (const struct counter *one = first; one != self; one = one->next)
    if (one->kind == COUNTER_EVENT && one->id == self->id) return one;
  return NULL;
}

static int renew_event(const struct counter *self) {
  const struct counter *same = self->id < 0 ? NULL : earlier_of_same(self);
  if (same) return dup3(same->fd, self->fd, self->flags & O_CLOEXEC) < 0 ? -errno : 0;
  int kind = (self->flags & O_NONBLOCK ? EFD_NONBLOCK : 0) | (self->is_semaphore ? EFD_SEMAPHORE : 0);
  int rc = fork_put(eventfd(0, kind | EFD_CLOEXEC), self->fd, self->flags);
  if (rc < 0 || self->count == 0) return rc;
  return write(self->fd, &self->count, sizeof self->count) < 0 ? -errno : 0;
}

/* Setting the number of expirations needs a kernel with checkpoints (TFD_IOC_SET_TICKS). Without, the timer expires
 * once, at once. */
static int renew_timer(const struct counter *self) {
  struct itimerspec timer = self->timer;
  bool is_due = self->count > 0;
  int rc = fork_put(timerfd_create(self->clock, (self->flags & O_NONBLOCK) | TFD_CLOEXEC), self->fd, self->flags);
  if (rc == 0 && timerfd_settime(self->fd, 0, &timer, NULL) < 0) return -errno;
  if (rc < 0 || !is_due || ioctl(self->fd, TFD_IOC_SET_TICKS, &self->count) == 0) return rc;
  timer.it_value = (struct timespec){.tv_nsec = 1};
  return timerfd_settime(self->fd, 0, &timer, NULL) < 0 ? -errno : 0;
}

/* signalfd(3) takes a larger mask than the kernel. */
static int renew_signals(const struct counter *self) {
  int fd =
    (int)syscall(SYS_signalfd4, -1, &self->signals, sizeof self->signals, (self->flags & O_NONBLOCK) | SFD_CLOEXEC);
  return fork_put(fd, self->fd, self->flags);
}

static int renew(const struct counter *self) {
  close(self->fd); /* so that there is a free number */
  switch (self->kind) {
  case COUNTER_EVENT:
    return renew_event(self);
  case COUNTER_TIMER:
    return renew_timer(self);
  case COUNTER_SIGNAL:
    return renew_signals(self);
  default:
    return fork_put(inotify_init1((self->flags & O_NONBLOCK) | IN_CLOEXEC), self->fd, self->flags);
  }
}

int fork_renew_counters(void) {
  int rc = 0;
  for (const struct counter *one = first; rc == 0 && one != NULL; one = one->next) rc = renew(one);
  return rc;
}

#endif
