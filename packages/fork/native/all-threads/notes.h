/* What descriptors.c and its parts note about open files before a fork. The notes are in memory of their own: between
 * the stop of all threads and their continuation, the heap cannot be used. */
#ifndef FORK_NOTES_H
#define FORK_NOTES_H

#include "all-threads.h"

#ifdef FORK_COPIES_THREADS

/* descriptors.c */

/* Like fork_each_line, for the lines of /proc/self/fdinfo/<fd>. */
int fork_each_info(int fd, int (*visit)(const char *line, void *context), void *context);

/* Returns what follows the name at the beginning of a line, or NULL. */
const char *fork_field(const char *line, const char *name);

/* Puts an open descriptor at a number, with or without FD_CLOEXEC, and closes the other one. `fd` may be a negative
 * result of a system call. Returns 0 or a negative errno. */
int fork_put(int fd, int number, int flags);

/* notes.c: memory for notes */

/* Forgets all notes. Returns 0 or -ENOMEM. */
int fork_clear_notes(void);

/* Returns zeroed memory, or NULL if there is no more. It is valid until the notes are forgotten. */
void *fork_note(size_t size);

/* counters.c: eventfd(2), timerfd_create(2), signalfd(2), and inotify(7) without watches */
enum fork_counter_kind { COUNTER_EVENT, COUNTER_TIMER, COUNTER_SIGNAL, COUNTER_INOTIFY };
int fork_note_counter(int fd, enum fork_counter_kind kind);
int fork_renew_counters(void);
bool fork_is_counter(int fd);

/* epoll-sets.c: epoll(7) */
int fork_note_epoll_set(int fd);
/* Call this once libuv has given up its rings, which a set may watch. */
int fork_note_watches(void);
int fork_renew_epoll_sets(void);

/* pipes.c: pipe(7), those that have both ends in this process */
int fork_note_pipe_end(int fd, unsigned long long inode);
/* Call this once all ends are noted. */
int fork_note_pipes(int dropped, int shared);
/* Returns the highest number of those that are opened anew, or -1. */
int fork_highest_pipe_end(void);
int fork_renew_pipes(void);
bool fork_is_private_pipe(int fd);

/* rings.c: io_uring(7), the rings of libuv */
int fork_note_ring(int fd);
/* Makes libuv do without the rings that are noted, and closes them. */
int fork_give_up_rings(void);

void fork_clear_counters(void);
void fork_clear_epoll_sets(void);
void fork_clear_pipes(void);
void fork_clear_rings(void);

#endif
#endif
