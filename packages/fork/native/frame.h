/* The frames of the control socket that the addon itself reads and writes. The format is that of src/protocol/frame.ts
 * and src/protocol/reports.ts, which read and write all others. */
#ifndef FORK_FRAME_H
#define FORK_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define FRAME_HEADER_BYTES 12

/* If the next frame on a socket is an order to fork, takes it: stores its id, and the control socket of the child,
 * which the caller owns. Otherwise takes nothing and returns false: for another frame, if no descriptor is free, at the
 * end, and for an error. Waits for nothing. */
bool frame_take_fork(int socket, uint32_t *id, int *control);

/* Reports that a child was forked, with the id of the order. These three functions wait for nothing, and return 0 or a
 * negative errno: -EAGAIN if there is no room. They write all of a frame or nothing. */
int frame_send_forked(int socket, uint32_t id, pid_t pid);

/* Reports that this process was forked. `pidfd` is sent along, unless it is negative. */
int frame_send_started(int socket, pid_t pid, int pidfd);

/* Reports how a child has ended; `code` and `signal` are those of struct fork_status. */
int frame_send_exited(int socket, pid_t pid, int code, int signal);

#endif
