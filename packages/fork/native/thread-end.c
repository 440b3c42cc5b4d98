#include "fork.h"

#include <errno.h>
#include <fcntl.h>
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

struct fork_thread_children {
  struct child **all;
  size_t count, room;
  /* While a child is being started: the children that the thread had before. */
  pid_t *before;
  size_t before_count;
  bool is_spawning;
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

struct fork_thread_children *fork_thread_children_new(void) {
  return calloc(1, sizeof(struct fork_thread_children));
}

/* Returns the index of a child, or the count if it is not kept. Looks from the end: an earlier entry with the same pid
 * is that of a child that other code has reaped. */
static size_t find_child(const struct fork_thread_children *self, pid_t pid) {
  for (size_t i = self->count; i-- > 0;)
    if (self->all[i]->pid == pid) return i;
  return self->count;
}

static int keep(struct fork_thread_children *self, pid_t pid) {
  if (self->count == self->room) {
    size_t room = self->room ? 2 * self->room : 16;
    struct child **all = realloc(self->all, room * sizeof *all);
    if (all == NULL) return -ENOMEM;
    self->all = all;
    self->room = room;
  }
  struct child *child = malloc(sizeof *child);
  if (child == NULL) return -ENOMEM;
  *child = (struct child){.pid = pid};
  self->all[self->count++] = child;
  return 0;
}

static int forget(struct fork_thread_children *self, pid_t pid) {
  size_t at = find_child(self, pid);
  if (at == self->count) return -ENOENT;
  free(self->all[at]);
  self->all[at] = self->all[--self->count];
  return 0;
}

int fork_keep_child(struct fork_thread_children *self, pid_t pid, int on) {
  reap_orphans();
  return on ? keep(self, pid) : forget(self, pid);
}

int fork_spare_child(struct fork_thread_children *self, pid_t pid, int on) {
  size_t at = find_child(self, pid);
  if (at == self->count) return -ENOENT;
  self->all[at]->is_spared = on;
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

#ifdef ANYFORK_LINUX

/* The list of this thread's children in proc_tid_children(5), which is read in parts. */
struct list {
  int file;
  char part[256];
  size_t at, length;
};

/* Returns -errno if the kernel does not list them. */
static int open_list(struct list *list) {
  *list = (struct list){.file = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC)};
  return list->file < 0 ? -errno : 0;
}

/* Returns the next pid, or 0 at the end of the list. */
static pid_t next_pid(struct list *list) {
  pid_t pid = 0;
  for (;; list->at++) {
    if (list->at == list->length) {
      ssize_t n;
      do n = read(list->file, list->part, sizeof list->part);
      while (n < 0 && errno == EINTR);
      if (n <= 0) return pid;
      list->at = 0;
      list->length = (size_t)n;
    }
    char digit = list->part[list->at];
    if (digit >= '0' && digit <= '9')
      pid = 10 * pid + (digit - '0');
    else if (pid)
      return pid;
  }
}

static int note_children(struct fork_thread_children *self) {
  struct list list;
  if (open_list(&list) < 0) return 0;
  size_t room = 0;
  int rc = 0;
  for (pid_t pid; rc == 0 && (pid = next_pid(&list));) {
    if (self->before_count == room) {
      pid_t *before = realloc(self->before, (room = 2 * room + 16) * sizeof *before);
      if (before == NULL) {
        rc = -ENOMEM;
        break;
      }
      self->before = before;
    }
    self->before[self->before_count++] = pid;
  }
  close(list.file);
  return rc;
}

static bool was_there(const struct fork_thread_children *self, pid_t pid) {
  for (size_t i = 0; i < self->before_count; i++)
    if (self->before[i] == pid) return true;
  return false;
}

/* Returns the child that has come since note_children, or 0. */
static pid_t new_child(const struct fork_thread_children *self) {
  struct list list;
  if (open_list(&list) < 0) return 0;
  pid_t pid;
  do pid = next_pid(&list);
  while (pid && was_there(self, pid));
  close(list.file);
  return pid;
}

#else

static int note_children(struct fork_thread_children *self) {
  (void)self;
  return 0;
}

static pid_t new_child(const struct fork_thread_children *self) {
  (void)self;
  return 0;
}

#endif

static void end_spawn(struct fork_thread_children *self) {
  free(self->before);
  self->before = NULL;
  self->before_count = 0;
  self->is_spawning = false;
}

int fork_begin_spawn(struct fork_thread_children *self) {
  end_spawn(self);
  int rc = note_children(self);
  if (rc < 0)
    end_spawn(self);
  else
    self->is_spawning = true;
  return rc;
}

int fork_end_spawn(struct fork_thread_children *self, pid_t pid) {
  int rc = pid ? fork_keep_child(self, pid, 1) : 0;
  if (rc == 0) end_spawn(self);
  return rc;
}

void fork_thread_children_end(struct fork_thread_children *self) {
  pid_t unknown = self->is_spawning ? new_child(self) : 0;
  if (unknown) end_child(unknown);
  end_spawn(self);
  for (size_t i = 0; i < self->count; i++) {
    struct child *child = self->all[i];
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
