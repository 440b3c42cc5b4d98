#include "fork.h"

#include <errno.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

int fork_fill_random(void *octets, size_t length) { return getentropy(octets, length) < 0 ? -errno : 0; }
