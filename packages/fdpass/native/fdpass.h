/* Descriptors and the messages that carry them, as the kernel offers them.
 *
 * Every function returns a result >= 0 or a negative errno. Nothing here knows
 * JavaScript, keeps state, or owns a descriptor after it has returned.
 */
#ifndef FDPASS_H
#define FDPASS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

/* Most descriptors that Linux takes in one message (SCM_MAX_FD, unix(7)). */
#define FDPASS_MAX_DESCRIPTORS 253

/* descriptor.c */

/* Two connected AF_UNIX sockets, close-on-exec; type is SOCK_STREAM or the like. */
int fdpass_socketpair(int type, int out[2]);
/* A pipe, close-on-exec: out[0] to read from, out[1] to write to. */
int fdpass_pipe(int out[2]);
/* A copy of fd with the lowest free number, close-on-exec. */
int fdpass_duplicate(int fd);
/* Closes fd. EINTR counts as closed: on Linux the number is free by then. */
int fdpass_close(int fd);
int fdpass_get_nonblocking(int fd);
int fdpass_set_nonblocking(int fd, int on);
int fdpass_get_close_on_exec(int fd);
int fdpass_set_close_on_exec(int fd, int on);
/* Plain bytes. A write to a closed peer is EPIPE and never a signal. */
ssize_t fdpass_read(int fd, void *bytes, size_t length);
ssize_t fdpass_write(int fd, const void *bytes, size_t length);

/* huge-pages.c */

/* Asks for huge pages where the whole pages of these bytes are, if the system has
 * any: madvise(2), MADV_HUGEPAGE. */
int fdpass_advise_huge_pages(void *bytes, size_t length);

/* send.c, receive.c, and peek.c beneath it */

/* Flags of these functions. */
enum {
  /* Never wait, whatever O_NONBLOCK says: EAGAIN. */
  FDPASS_DONT_WAIT = 1,
  /* Look at the message first, with MSG_PEEK, where the system can do that. Without,
   * the kernel drops what the descriptor table has no room for and says so by a flag:
   * EBADMSG, the rest of its descriptors is closed. */
  FDPASS_PEEK = 2,
  /* Only bytes are expected; descriptors that came all the same are dropped. */
  FDPASS_BYTES_ONLY = 4,
  /* fdpass_receive_spinning: let others have the processor between the tries. */
  FDPASS_YIELD = 8,
};

/* Sends bytes, and with the first of them the descriptors. Returns how many
 * bytes were taken; the descriptors are then on their way however few bytes
 * these were, and the rest is to be sent without them. The caller still owns
 * its descriptors. */
ssize_t fdpass_send(int socket, const void *bytes, size_t length, const int *fds, size_t count, int flags);

struct fdpass_received {
  size_t count;  /* descriptors stored, all close-on-exec; the caller owns them */
  int truncated; /* a datagram was longer than the buffer */
};

/* Receives bytes and up to FDPASS_MAX_DESCRIPTORS descriptors into fds, which
 * must have room for that many. Returns the number of bytes, 0 at the end.
 *
 * Peeking: when the descriptor table is too full for the message, this is EMFILE (or
 * ENFILE) and the message stays in the queue, whole: nothing is lost. EBADMSG
 * says that the system refused a descriptor though there was room; its message
 * has been taken from the queue, without its descriptors. */
ssize_t fdpass_receive(
  int socket, void *bytes, size_t length, int fds[FDPASS_MAX_DESCRIPTORS], struct fdpass_received *received, int flags);

/* 1 when something can be received, 0 at the end of the stream. Takes nothing. */
int fdpass_pending(int socket);

/* send-many.c, receive-many.c: streams of messages of one byte each */

/* Sends descriptors in messages of one zero byte and batch each, the last one with what is left.
 * Returns how many are on their way: at most FDPASS_MAX_DESCRIPTORS, and fewer when
 * the queue is full or a message is refused, which the next call tells. */
ssize_t fdpass_send_many(int socket, const int *fds, size_t count, size_t batch, int flags);

struct fdpass_many {
  int was_burst; /* they came one in a message, and more than one was looked at */
  int later;     /* 0, or an error of the connection: to be told once the queue is empty */
};

/* Receives up to wanted descriptors, of messages of one byte, with as few calls as can
 * be: several messages when each has one descriptor, else one, with all that it
 * brings. Fewer may come though there are more. Returns their number, 0 at the end;
 * EPROTO for a byte without a descriptor, else fails as fdpass_receive does. */
ssize_t fdpass_receive_many(
  int socket, int fds[FDPASS_MAX_DESCRIPTORS], size_t wanted, struct fdpass_many *many, int flags);

/* spin.c */

/* As fdpass_receive, but before it sleeps, or returns EAGAIN, tries again and again for
 * a time in nanoseconds: what is about to come is then had without waking a processor. */
ssize_t fdpass_receive_spinning(int socket, void *bytes, size_t length, int fds[FDPASS_MAX_DESCRIPTORS],
  struct fdpass_received *received, int flags, uint64_t spin_ns);

/* deferred-write.c */

/* A thread that sends what its owner has put off, and then does not come to send because
 * it is busy. It ends when nothing has been put off for a time. */
struct fdpass_deferred_writer;

/* What owner and thread share: how far the bytes go, which the owner moves on, and how
 * many ticks of a millisecond there were, roughly, while something was put off. */
enum { FDPASS_DEFERRED_END, FDPASS_DEFERRED_TICKS, FDPASS_DEFERRED_CONTROLS };

/* For a blocking stream socket; it and control are borrowed until the end. */
int fdpass_deferred_writer_make(int socket, int32_t *control, struct fdpass_deferred_writer **out);
/* Puts off bytes, from an offset up to control[FDPASS_DEFERRED_END], or their size; they are borrowed until the flush.
 */
int fdpass_defer_write(struct fdpass_deferred_writer *writer, const void *bytes, size_t size, size_t from);
/* Sends what is put off. Returns how many bytes were sent since it was put off. */
ssize_t fdpass_flush_deferred(struct fdpass_deferred_writer *writer);
/* Sends what is put off, as far as the socket takes it at once, waits for the thread, at
 * most a tick, and frees all. In a forked child, which has no such thread, it sends nothing. */
void fdpass_deferred_writer_end(struct fdpass_deferred_writer *writer);

/* connection.c */

/* A stream socket that listens at a path; a socket left behind there is removed,
 * one that anybody has, or may have, is EADDRINUSE, as is any other file.
 * Paths are not zero-terminated; one that begins with a zero byte is abstract. */
int fdpass_listen(const char *path, size_t length, int backlog);
int fdpass_accept(int listener);
/* EAGAIN when the listener's queue is full. The socket returned is blocking. */
int fdpass_connect(const char *path, size_t length);
int fdpass_shutdown(int fd, int how);

struct fdpass_socket_kind {
  int is_unix;      /* of the family AF_UNIX */
  int type;         /* SOCK_STREAM or the like */
  int is_listening; /* listen(2) was called */
};
/* socket-kind.c. What a socket is: ENOTSOCK for anything else. */
int fdpass_socket_kind(int socket, struct fdpass_socket_kind *out);

struct fdpass_credentials {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};
/* Who made the connection, as of then. */
int fdpass_peer_credentials(int socket, struct fdpass_credentials *out);

/* keep-path.c */

/* The file of a socket that the loop has bound to a path stays when the loop closes it.
 * For the loop's thread; does nothing for other sockets. */
int fdpass_keep_path(uv_loop_t *loop, int fd);

/* watch.c */

struct fdpass_watch;
typedef void (*fdpass_watch_callback)(void *context, int status, int events);

/* Calls back on the loop's thread while fd is ready for events (UV_READABLE,
 * UV_WRITABLE, UV_DISCONNECT). Sets O_NONBLOCK on fd. EEXIST when the loop watches fd already. */
int fdpass_watch_start(
  uv_loop_t *loop, int fd, int events, fdpass_watch_callback callback, void *context, struct fdpass_watch **out);
int fdpass_watch_change(struct fdpass_watch *watch, int events);
void fdpass_watch_ref(struct fdpass_watch *watch, int on);
/* Ends it: no callback comes after this. The memory goes when the loop lets go,
 * and then closed(context) is called. */
void fdpass_watch_close(struct fdpass_watch *watch, void (*closed)(void *context));

#endif
