/* Which code is compiled: that for Linux, or the one for all other systems, of which macOS is the only supported one.
 * With ANYFORK_PORTABLE, the latter is compiled on Linux, too, where scripts/portable runs the tests with it. Where
 * only the names of a system call differ, there is code for __APPLE__. */
#ifndef ANYFORK_PLATFORM_H
#define ANYFORK_PLATFORM_H

#if defined(__linux__) && !defined(ANYFORK_PORTABLE)
#define ANYFORK_LINUX 1
#endif

#endif
