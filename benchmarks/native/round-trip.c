/* Measures round trips of argv[1] bytes in each direction between two processes that block in send(2) and recv(2): the
 * cost of the kernel alone. Warms up for argv[2] milliseconds, and then measures as long, at least once. Prints the
 * median, the mean, the 99th percentile, and the processor time of both processes, in microseconds per round trip. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_BYTES 4096
#define MAX_SAMPLES 4000000

static char bytes[MAX_BYTES];
static float times[MAX_SAMPLES];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static double processor_time(int who) {
  struct rusage usage;
  getrusage(who, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void echo(int socket) {
  for (;;) {
    ssize_t n = recv(socket, bytes, sizeof bytes, 0);
    if (n <= 0 || send(socket, bytes, (size_t)n, MSG_NOSIGNAL) != n) _exit(0);
  }
}

int main(int argc, char **argv) {
  int pair[2];
  size_t size = argc > 1 ? (size_t)atoi(argv[1]) : 16;
  double microseconds = 1e3 * (argc > 2 ? atof(argv[2]) : 1000);
  if (size < 1 || size > MAX_BYTES || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) return 1;
  pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0) {
    close(pair[0]);
    echo(pair[1]);
  }
  close(pair[1]);
  double sum = 0, started = now();
  size_t count = 0, all = 0;
  for (double sent; ((sent = now()) - started < 2 * microseconds || count == 0) && count < MAX_SAMPLES; all++) {
    if (send(pair[0], bytes, size, MSG_NOSIGNAL) != (ssize_t)size || recv(pair[0], bytes, sizeof bytes, 0) <= 0)
      return 1;
    if (sent - started < microseconds) continue;
    sum += times[count++] = (float)(now() - sent);
  }
  close(pair[0]);
  if (waitpid(child, NULL, 0) != child || count == 0) return 1;
  qsort(times, count, sizeof *times, compare);
  printf("%f %f %f %f\n", times[count / 2], sum / (double)count, times[count * 99 / 100],
    (processor_time(RUSAGE_SELF) + processor_time(RUSAGE_CHILDREN)) / (double)all);
  return 0;
}
