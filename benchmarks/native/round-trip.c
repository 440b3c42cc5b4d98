/* Round trips of argv[1] bytes each way between two processes that block in send and
 * recv, for argv[2] milliseconds after as many to warm up: what the kernel takes. Prints
 * median, mean, 99th percentile and processor time of both, in microseconds for each. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_BYTES 4096
#define MOST_TIMES 4000000

static char bytes[MOST_BYTES];
static float times[MOST_TIMES];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static double processor(int who) {
  struct rusage usage;
  getrusage(who, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void answer(int socket) {
  for (;;) {
    ssize_t n = recv(socket, bytes, sizeof bytes, 0);
    if (n <= 0 || send(socket, bytes, (size_t)n, MSG_NOSIGNAL) != n) _exit(0);
  }
}

int main(int argc, char **argv) {
  int pair[2];
  size_t size = argc > 1 ? (size_t)atoi(argv[1]) : 16;
  double microseconds = 1e3 * (argc > 2 ? atof(argv[2]) : 1000);
  if (size < 1 || size > MOST_BYTES || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) return 1;
  pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0) {
    close(pair[0]);
    answer(pair[1]);
  }
  close(pair[1]);
  double sum = 0, started = now();
  size_t count = 0, all = 0;
  for (double asked; (asked = now()) - started < 2 * microseconds && count < MOST_TIMES; all++) {
    if (send(pair[0], bytes, size, MSG_NOSIGNAL) != (ssize_t)size || recv(pair[0], bytes, sizeof bytes, 0) <= 0)
      return 1;
    if (asked - started < microseconds) continue;
    sum += times[count++] = (float)(now() - asked);
  }
  close(pair[0]);
  if (waitpid(child, NULL, 0) != child || count == 0) return 1;
  qsort(times, count, sizeof *times, compare);
  printf("%f %f %f %f\n", times[count / 2], sum / (double)count, times[count * 99 / 100],
    (processor(RUSAGE_SELF) + processor(RUSAGE_CHILDREN)) / (double)all);
  return 0;
}
