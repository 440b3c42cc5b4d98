#include "fork.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef ANYFORK_LINUX

/* O_ASYNC can send any signal (F_SETSIG, fcntl(2)), even SIGKILL, which ends a process in an endless loop and in a
 * blocking call alike, and a stopped one. The owner and the signal belong to the open file, which parent and child
 * share. So each process opens the pipe anew through /proc. */
static int open_anew(int fd) {
  char path[40];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int own = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (own < 0) return -errno;
  if (fcntl(own, F_SETSIG, SIGKILL) == 0 && fcntl(own, F_SETFL, O_NONBLOCK | O_ASYNC) == 0) return own;
  int rc = -errno;
  close(own);
  return rc;
}

int fork_arm_lifeline(int fd) {
  int own = open_anew(fd);
  if (own < 0) return own;
  struct pollfd ended = {.fd = own, .events = POLLIN};
  int rc = fork_claim_lifeline(own, getpid());
  if (rc == 0 && poll(&ended, 1, 0) < 0) rc = -errno;
  if (rc < 0) {
    close(own);
    return rc;
  }
  /* The owner may have ended before the signal was set. */
  if (ended.revents & POLLHUP) raise(SIGKILL);
  return own;
}

int fork_open_lifeline(int fd, int slot) {
  int own = open_anew(fd);
  if (own < 0) return own;
  int rc = dup3(own, slot, O_CLOEXEC) < 0 ? -errno : 0;
  close(own);
  return rc;
}

/* The kernel sends the signal with the permissions of the user who called F_SETOWN. Only root of the initial user
 * namespace may signal other users, so a process that has become another user calls it again. */
int fork_claim_lifeline(int own, pid_t pid) { return fcntl(own, F_SETOWN, pid) < 0 ? -errno : 0; }

/* Each process opens the pipe anew, even one that has become another user. */
int fork_share_lifeline(int fd) { return fchmod(fd, 0444) < 0 ? -errno : 0; }

int fork_disarm_lifeline(int own) { return fcntl(own, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0; }

#else

/* Other systems have no such signal, so a thread waits for the end of the pipe, and kills its process then. That also
 * ends a process in an endless loop and in a blocking call, but not a stopped one before it is continued. Such a
 * process is never forked, so the thread is in nobody's way. */

#define STACK_BYTES (64 * 1024)

struct watchdog {
  int lifeline; /* the thread's own descriptor of the pipe */
  int ending;   /* the read end of another pipe, which ends when the owner of the lifeline has closed it */
};

/* Whether the pipe of this answer of poll(2) has ended. Nothing is ever written to it. */
static bool has_ended(const struct pollfd *pipe) {
  char byte;
  if (pipe->revents & POLLHUP) return true;
  return pipe->revents & POLLIN && read(pipe->fd, &byte, 1) == 0;
}

static void *watch(void *context) {
  struct watchdog *self = context;
  struct pollfd ends[] = {{.fd = self->lifeline, .events = POLLIN}, {.fd = self->ending, .events = POLLIN}};
  do {
    if (poll(ends, 2, -1) < 0) ends[0].revents = ends[1].revents = 0;
    if (!ends[1].revents && has_ended(&ends[0])) kill(getpid(), SIGKILL);
  } while (!ends[1].revents);
  close(self->lifeline);
  close(self->ending);
  free(self);
  return NULL;
}

/* Starts the thread with all signals blocked, so that they reach other threads. It frees the watchdog. */
static int start(struct watchdog *self) {
  pthread_t thread;
  pthread_attr_t attributes;
  sigset_t all, old;
  int rc = pthread_attr_init(&attributes);
  if (rc != 0) return -rc;
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  rc = pthread_create(&thread, &attributes, watch, self);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attributes);
  return -rc;
}

static int open_pipe(int ends[2]) {
  if (pipe(ends) < 0) return -errno;
  for (int i = 0; i < 2; i++) fcntl(ends[i], F_SETFD, FD_CLOEXEC);
  return 0;
}

int fork_arm_lifeline(int fd) {
  int ending[2];
  struct pollfd now = {.fd = fd, .events = POLLIN};
  if (poll(&now, 1, 0) > 0 && has_ended(&now)) kill(getpid(), SIGKILL);
  struct watchdog *self = malloc(sizeof *self);
  if (self == NULL) return -ENOMEM;
  int rc = open_pipe(ending);
  if (rc < 0) {
    free(self);
    return rc;
  }
  *self = (struct watchdog){.lifeline = fcntl(fd, F_DUPFD_CLOEXEC, 0), .ending = ending[0]};
  rc = self->lifeline < 0 ? -errno : start(self);
  if (rc == 0) return ending[1];
  if (self->lifeline >= 0) close(self->lifeline);
  for (int i = 0; i < 2; i++) close(ending[i]);
  free(self);
  return rc;
}

int fork_open_lifeline(int fd, int slot) {
  (void)fd;
  (void)slot;
  return -ENOSYS;
}

/* A process can always kill itself. */
int fork_claim_lifeline(int own, pid_t pid) {
  (void)own;
  (void)pid;
  return 0;
}

int fork_disarm_lifeline(int own) {
  (void)own;
  return -ENOSYS;
}

/* No process opens the pipe anew. */
int fork_share_lifeline(int fd) {
  (void)fd;
  return 0;
}

#endif
