/* Descriptors and the messages that carry them, as the kernel offers them. Nothing here knows JavaScript.
 *
 * Unless stated otherwise, a function returns a result >= 0 or a negative errno (comments name errors without the
 * sign), which is that of the system calls that it names; restarts a call that a signal interrupts (EINTR); borrows its
 * arguments, and keeps no pointer to them; keeps no state; and can be called by any thread, and in a forked child. New
 * descriptors are close-on-exec, and the caller owns them.
 */
#ifndef FDPASS_H
#define FDPASS_H

#include "platform.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

/* The largest number of descriptors that Linux accepts in one message (SCM_MAX_FD, unix(7)). A received message may
 * have as many. The C library may accept fewer: see fdpass_most_descriptors. */
#define FDPASS_MAX_DESCRIPTORS 253

/* descriptor.c */

/* Makes two connected AF_UNIX sockets of a type such as SOCK_STREAM (socketpair(2)), and stores them. */
int fdpass_socketpair(int type, int out[2]);
/* Makes a pipe (pipe2(2)), and stores the descriptor to read from and the one to write to. */
int fdpass_pipe(int out[2]);
/* Returns a copy of fd with the lowest free number (F_DUPFD_CLOEXEC, fcntl(2)). */
int fdpass_duplicate(int fd);
/* Makes `number` a copy of fd, in one step: a file that had this number is closed (dup3(2)). It is close-on-exec,
 * except for 0 to 2. Returns `number`. EINVAL if both are the same; EBADF if `number` is above the limit. */
int fdpass_duplicate_to(int fd, int number);
/* Returns 0 if `slots` more descriptors, at least 1, can be opened; else EMFILE or ENFILE. Tries it: opens them, and
 * closes them again. */
int fdpass_check_room(size_t slots);
/* Closes fd (close(2)). EINTR is a success: on Linux the number is free by then. */
int fdpass_close(int fd);
/* Each returns 1 or 0, or sets the flag if `on` and else clears it: O_NONBLOCK, which copies of the descriptor share,
 * and FD_CLOEXEC, which they do not (fcntl(2)). */
int fdpass_get_nonblocking(int fd);
int fdpass_set_nonblocking(int fd, int on);
int fdpass_get_close_on_exec(int fd);
int fdpass_set_close_on_exec(int fd, int on);
/* Makes the kernel send SIGIO to a process whenever fd becomes ready, or ends that if `pid` is 0. Sets F_SETOWN and
 * O_ASYNC, which copies of the descriptor share (fcntl(2)). ESRCH if there is no such process. */
int fdpass_set_async_owner(int fd, int pid);
/* Reads or writes bytes of any descriptor, and returns their number: at most `length`, and 0 at the end of a stream
 * (read(2), send(2), write(2)). A write to a socket whose peer is closed is EPIPE without a signal. The process ignores
 * SIGPIPE, as Node does, if it writes to pipes. */
ssize_t fdpass_read(int fd, void *bytes, size_t length);
ssize_t fdpass_write(int fd, const void *bytes, size_t length);

/* splice.c */

/* Moves up to `length` bytes between two files within the kernel, one of which is a pipe (splice(2)). Returns their
 * number, 0 at the end of `from`, or EAGAIN if it would have to wait; only a blocking socket makes it wait. Each byte
 * is always in exactly one of the files, even if the process is killed meanwhile. The process ignores SIGPIPE, as Node
 * does. ENOSYS on systems other than Linux. */
ssize_t fdpass_splice(int from, int to, size_t length);

/* kept-descriptors.c */

/* Descriptors that are closed together. All zero is an empty set. Used by one thread at a time. */
struct fdpass_kept {
  int *fds;
  size_t count, room;
};

/* Adds descriptors; one that is there already is not added again. The caller still owns them until fdpass_close_kept.
 * Returns 0, or -ENOMEM: then none was added. */
int fdpass_keep(struct fdpass_kept *self, const int *fds, size_t count);
/* Removes a descriptor, if it is there. */
void fdpass_forget(struct fdpass_kept *self, int fd);
/* Closes all descriptors, and empties the set. Needs no memory. */
void fdpass_close_kept(struct fdpass_kept *self);

/* huge-pages.c */

/* Asks for huge pages for the whole pages within these bytes (MADV_HUGEPAGE, madvise(2)). EINVAL if the kernel has
 * none. Does nothing on other systems than Linux. */
int fdpass_advise_huge_pages(void *bytes, size_t length);

/* shared-memory.c */

/* Makes memory of a fixed size that processes can share: whoever has a descriptor of it can map it, and cannot shrink
 * it, which would kill the others when they use it (memfd_create(2), F_ADD_SEALS). ENOSYS on other systems than Linux.
 */
int fdpass_shared_memory(size_t length);
/* Maps such memory, and stores its address (mmap(2)). The caller unmaps it. */
int fdpass_map(int fd, size_t length, void **out);
int fdpass_unmap(void *memory, size_t length);

/* send.c, receive.c, and receive-if-room.c beneath it */

/* Flags of these functions. */
enum {
  /* Return EAGAIN instead of waiting, also for a blocking socket. */
  FDPASS_DONT_WAIT = 1,
  /* Look at a message with MSG_PEEK before taking it (Linux). Without this, the kernel drops the descriptors for which
   * the descriptor table has no room; then the rest of them is closed, and the result is EBADMSG. */
  FDPASS_PEEK = 2,
  /* fdpass_receive_spinning: expect bytes only. The kernel drops descriptors that arrive nevertheless. */
  FDPASS_BYTES_ONLY = 4,
  /* fdpass_receive_spinning: let other processes have the processor between the tries (sched_yield(2)). */
  FDPASS_YIELD = 8,
};

/* Sends bytes, and the descriptors with the first of them (sendmsg(2)). The flag is FDPASS_DONT_WAIT. Returns the
 * number of bytes that the socket has accepted. All descriptors are then in the queue, even if that is less than
 * `length`: the caller sends the rest without them. The caller still owns its descriptors. EINVAL for more than
 * FDPASS_MAX_DESCRIPTORS, and for descriptors without bytes on a stream, which would lose them; ENOMEM for more than
 * fdpass_most_descriptors. */
ssize_t fdpass_send(int socket, const void *bytes, size_t length, const int *fds, size_t count, int flags);

/* Returns how many descriptors fdpass_send can send in one message: FDPASS_MAX_DESCRIPTORS, or as many as the C library
 * accepts. That is 252 for musl before 1.2.4 on 64-bit systems. Sends nothing. Takes one failing system call. */
size_t fdpass_most_descriptors(void);

struct fdpass_received {
  size_t count;  /* the number of descriptors that were stored; the caller owns them */
  int truncated; /* whether a datagram was longer than the buffer */
};

/* Receives bytes, and stores the descriptors that come with them (recvmsg(2)). The flags are FDPASS_DONT_WAIT and
 * FDPASS_PEEK. Returns the number of bytes, 0 at the end of the stream; `length` is at least 1. After an error, no
 * descriptor was stored.
 *
 * With FDPASS_PEEK, EMFILE or ENFILE means that the descriptor table is too full for the message, which stays in the
 * queue: nothing is lost. EBADMSG means that the system has rejected a descriptor although there was room. That message
 * was taken off the queue, and its descriptors were closed. Only one thread or process at a time may receive from the
 * socket with FDPASS_PEEK. */
ssize_t fdpass_receive(
  int socket, void *bytes, size_t length, int fds[FDPASS_MAX_DESCRIPTORS], struct fdpass_received *received, int flags);

/* Returns 1 if a message can be received, 0 at the end of the stream, else EAGAIN. Takes nothing off the queue, and
 * never waits (MSG_PEEK, recv(2)). */
int fdpass_pending(int socket);

/* Limits how long a call waits for a message: it returns EAGAIN after this time, at least 1 ms; with 0, it waits
 * without limit (SO_RCVTIMEO, socket(7)). */
int fdpass_set_receive_timeout(int socket, int milliseconds);

/* send-many.c, receive-many.c: streams of messages of one byte each */

/* Sends descriptors in messages of one zero byte and `batch` descriptors each; the last one has what is left
 * (sendmmsg(2)). The flag is FDPASS_DONT_WAIT. Returns the number of descriptors that are in the queue: at most
 * FDPASS_MAX_DESCRIPTORS. It is less than `count` if the queue is full or the kernel rejects a message; the next call
 * then returns that error. The caller still owns its descriptors. EINVAL if `batch` is 0 or more than
 * FDPASS_MAX_DESCRIPTORS; ENOMEM if it is more than fdpass_most_descriptors. */
ssize_t fdpass_send_many(int socket, const int *fds, size_t count, size_t batch, int flags);

struct fdpass_many {
  int was_burst; /* whether the descriptors came one in a message, and the call looked at more than one message */
  int later;     /* 0, or an error of the connection, which the caller reports once the queue is empty */
};

/* Receives and stores descriptors that fdpass_send_many has sent, with as few system calls as possible: up to `wanted`
 * messages if each has one descriptor, else one message with all its descriptors, even if these are more than `wanted`
 * (recvmmsg(2), SO_PEEK_OFF in socket(7)). The flags are those of fdpass_receive. Returns the number of descriptors,
 * which may be less than are queued, and 0 at the end of the stream. EPROTO for a byte without a descriptor; otherwise
 * fails as fdpass_receive does. */
ssize_t fdpass_receive_many(
  int socket, int fds[FDPASS_MAX_DESCRIPTORS], size_t wanted, struct fdpass_many *many, int flags);

/* spin.c */

/* Like fdpass_receive, but before it sleeps, or returns EAGAIN, it tries again and again for a time in nanoseconds. If
 * a message arrives in that time, no processor has to wake up. All flags apply. With FDPASS_BYTES_ONLY, `fds` is not
 * used. */
ssize_t fdpass_receive_spinning(int socket, void *bytes, size_t length, int fds[FDPASS_MAX_DESCRIPTORS],
  struct fdpass_received *received, int flags, uint64_t spin_ns);

/* deferred-write.c */

/* Writes bytes that its owner has deferred. If the owner is too busy to flush them within a tick, about a millisecond,
 * a watchdog thread sends them. The thread ends when nothing has been deferred for some time. Only one thread, the
 * owner, calls these functions. */
struct fdpass_deferred_writer;

/* The int32 values that the owner and the watchdog share, and access atomically: the end of the deferred bytes, which
 * the owner moves on, and the number of ticks for which the watchdog has run. */
enum { FDPASS_DEFERRED_END, FDPASS_DEFERRED_TICKS, FDPASS_DEFERRED_CONTROLS };

/* Stores a new writer for a blocking stream socket. Borrows the socket and the FDPASS_DEFERRED_CONTROLS values of
 * `control` until the end of the writer. Starts no thread. Errors: ENOMEM, pthread_mutex_init(3). */
int fdpass_deferred_writer_make(int socket, int32_t *control, struct fdpass_deferred_writer **out);

/* Defers the bytes from the offset `from` up to control[FDPASS_DEFERRED_END], or `size` if that is less. The owner may
 * append bytes and move the end until the flush; until then, the memory is borrowed, and the deferred bytes must not
 * change. Not to be called again before the flush. EINVAL if from > size, and EAGAIN if no thread can be started
 * (pthread_create(3)): then nothing is deferred. */
int fdpass_defer_write(struct fdpass_deferred_writer *writer, const void *bytes, size_t size, size_t from);

/* Sends the deferred bytes that the watchdog has not sent, and waits until the socket accepts them (send(2)). Returns
 * the number of bytes sent since they were deferred, also by the watchdog; 0 if nothing is deferred. After an error,
 * such as EPIPE, nothing is deferred either. */
ssize_t fdpass_flush_deferred(struct fdpass_deferred_writer *writer);

/* Joins the thread, which takes at most a tick. Call this when nothing is deferred. The next deferred write starts the
 * thread again. */
void fdpass_deferred_writer_stop(struct fdpass_deferred_writer *writer);

/* Sends the deferred bytes that the socket accepts without waiting, joins the thread, which takes at most a tick, and
 * frees the writer. In a forked child, which does not have the thread, it only frees the writer. */
void fdpass_deferred_writer_end(struct fdpass_deferred_writer *writer);

/* listen.c */

/* Paths are not zero-terminated; one that begins with a zero byte is an abstract name (unix(7)). A path is EINVAL if it
 * is empty or has another zero byte, and ENAMETOOLONG if it does not fit in an address. */

/* Returns a stream socket that listens at a path (bind(2), listen(2)). Replaces a socket file that no process uses any
 * more. EADDRINUSE if a process has, or may have, the socket there, and if there is any other file. */
int fdpass_listen(const char *path, size_t length, int backlog);

/* Waits for a connection, unless the listener is non-blocking, and returns its socket, which is blocking (accept4(2)).
 */
int fdpass_accept(int listener);

/* connection.c */

/* Returns a blocking socket, of a type such as SOCK_STREAM, that is connected to a path (connect(2)). Never waits:
 * EAGAIN if the listener's queue is full. */
int fdpass_connect(const char *path, size_t length, int type);

/* Shuts down a direction of a connection: SHUT_RD, SHUT_WR, or SHUT_RDWR (shutdown(2)). */
int fdpass_shutdown(int fd, int how);

struct fdpass_credentials {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};
/* Stores which process and user has made the connection, as they were at that time (SO_PEERCRED, unix(7)). ENOTCONN for
 * a socket that is not connected. */
int fdpass_peer_credentials(int socket, struct fdpass_credentials *out);

/* sender.c */

/* Lets the kernel attach the credentials of its sender to what arrives from now on, or no longer (SO_PASSCRED,
 * unix(7)). One call then receives bytes of one sender only. What was sent before has none. Linux only: else ENOSYS. */
int fdpass_pass_credentials(int socket, int on);

/* Stores which process has sent the next byte of a stream, as the kernel says, and its real user: even if it has ended
 * meanwhile. A process may name another one of its pid namespace only with CAP_SYS_ADMIN there. The pid is 0 if the
 * process is outside of this pid namespace, or the byte has no credentials. Returns 1, 0 at the end of the stream, or
 * EAGAIN. Takes nothing off the queue, and never waits. */
int fdpass_peek_sender(int socket, struct fdpass_credentials *out);

/* socket-kind.c */

struct fdpass_socket_kind {
  int is_unix;      /* whether its family is AF_UNIX */
  int type;         /* such as SOCK_STREAM */
  int is_listening; /* whether listen(2) was called */
};
/* Stores what kind of socket this is (SO_DOMAIN, SO_TYPE, SO_ACCEPTCONN in socket(7)). ENOTSOCK for another descriptor.
 */
int fdpass_socket_kind(int socket, struct fdpass_socket_kind *out);

/* keep-path.c */

/* Lets the file of a socket that the loop has bound to a path stay when the loop closes the socket, which would remove
 * it. Does nothing for other sockets. Call this in the loop's thread. Errors: getsockname(2). */
int fdpass_keep_path(uv_loop_t *loop, int fd);

/* watch.c */

/* The functions for watches are called by the loop's thread. */
struct fdpass_watch;
/* `status` is 0 or the negative errno of libuv for an error of the descriptor, after which the watch goes on; `events`
 * are those for which it is ready. May close the watch. */
typedef void (*fdpass_watch_callback)(void *context, int status, int events);

/* Stores a new watch, which calls back on the loop's thread while fd is ready for one of the events: UV_READABLE,
 * UV_WRITABLE, UV_DISCONNECT (uv_poll_start). Borrows fd and `context` until fdpass_watch_close, and sets O_NONBLOCK on
 * fd. EEXIST if the loop watches fd already, EPERM for a file. */
int fdpass_watch_start(
  uv_loop_t *loop, int fd, int events, fdpass_watch_callback callback, void *context, struct fdpass_watch **out);
/* Whether the loop watches fd: for a watch, or for a stream that is being read or waits for room to write. */
bool fdpass_is_watched(const uv_loop_t *loop, int fd);
/* Replaces the events of a watch. */
int fdpass_watch_change(struct fdpass_watch *watch, int events);
/* Lets the watch keep the loop alive if `on`, as it does at first, or else not. */
void fdpass_watch_ref(struct fdpass_watch *watch, int on);
/* Ends a watch: no callback comes after this, and fd may be closed. The loop frees the watch in a later turn; then it
 * calls closed(context), unless `closed` is NULL. */
void fdpass_watch_close(struct fdpass_watch *watch, void (*closed)(void *context));

#endif
