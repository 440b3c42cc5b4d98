#include "fdpass.h"

#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <time.h>

/* The number of tries between two looks at the clock. */
#define TRIES_PER_LOOK 4

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile("yield");
#endif
}

static ssize_t receive_plain(int socket, void *bytes, size_t length, int flags) {
  ssize_t n;
  do n = recv(socket, bytes, length, flags & FDPASS_DONT_WAIT ? MSG_DONTWAIT : 0);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

static ssize_t receive(int socket, void *bytes, size_t length, int fds[FDPASS_MAX_DESCRIPTORS],
  struct fdpass_received *received, int flags) {
  if (flags & FDPASS_BYTES_ONLY) return receive_plain(socket, bytes, length, flags);
  return fdpass_receive(socket, bytes, length, fds, received, flags);
}

ssize_t fdpass_receive_spinning(int socket, void *bytes, size_t length, int fds[FDPASS_MAX_DESCRIPTORS],
  struct fdpass_received *received, int flags, uint64_t spin_ns) {
  *received = (struct fdpass_received){0};
  if (spin_ns > 0) {
    uint64_t until = 0;
    do {
      for (int i = 0; i < TRIES_PER_LOOK; i++) {
        ssize_t n = receive(socket, bytes, length, fds, received, flags | FDPASS_DONT_WAIT);
        if (n != -EAGAIN) return n;
        if (flags & FDPASS_YIELD)
          sched_yield();
        else
          pause_briefly();
      }
      if (until == 0) until = now() + spin_ns;
    } while (now() < until);
    if (flags & FDPASS_DONT_WAIT) return -EAGAIN;
  }
  return receive(socket, bytes, length, fds, received, flags);
}
