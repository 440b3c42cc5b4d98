#include "../fdpass.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLOSED_FD 99999

void test_connections(void) {
  char path[] = "/tmp/fdpass-test-XXXXXX";
  int file = mkstemp(path);
  struct fdpass_credentials credentials;
  struct fdpass_socket_kind kind;
  assert(fdpass_listen(path, strlen(path), 1) == -EADDRINUSE); /* a file, not a socket */
  close(file);
  unlink(path);
  int listener = fdpass_listen(path, strlen(path), 1);
  assert(fdpass_listen(path, strlen(path), 1) == -EADDRINUSE); /* a socket in use */
  int client = fdpass_connect(path, strlen(path), SOCK_STREAM);
  int server = fdpass_accept(listener);
  assert(listener >= 0 && client >= 0 && server >= 0);
  assert(fdpass_get_nonblocking(client) == 0);
  assert(fdpass_peer_credentials(server, &credentials) == 0 && credentials.pid == getpid());
  assert(fdpass_peer_credentials(listener, &credentials) <= 0);
  assert(fdpass_socket_kind(client, &kind) == 0 && kind.is_unix && kind.type == SOCK_STREAM && !kind.is_listening);
  assert(fdpass_socket_kind(listener, &kind) == 0 && kind.is_unix && kind.is_listening);
  assert(fdpass_socket_kind(CLOSED_FD, &kind) == -EBADF);
  assert(fdpass_shutdown(client, SHUT_WR) == 0 && fdpass_shutdown(CLOSED_FD, SHUT_WR) == -EBADF);
  fdpass_close(listener);
  listener = fdpass_listen(path, strlen(path), 1); /* replaces the socket that was left behind */
  assert(listener >= 0);
  fdpass_close(listener);
  assert(fdpass_connect(path, strlen(path), SOCK_STREAM) == -ECONNREFUSED);
  unlink(path);
  assert(fdpass_connect(path, strlen(path), SOCK_STREAM) == -ENOENT && fdpass_accept(CLOSED_FD) == -EBADF);
  char longest[200];
  memset(longest, 'x', sizeof longest);
  assert(fdpass_connect(longest, sizeof longest, SOCK_STREAM) == -ENAMETOOLONG);
  assert(fdpass_connect("a\0b", 3, SOCK_STREAM) == -EINVAL && fdpass_connect("", 0, SOCK_STREAM) == -EINVAL);
  fdpass_close(client);
  fdpass_close(server);

  int receiver = socket(AF_UNIX, SOCK_DGRAM, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  assert(bind(receiver, (struct sockaddr *)&address, sizeof address) == 0);
  assert(fdpass_connect(path, strlen(path), SOCK_STREAM) == -EPROTOTYPE);
  int sender = fdpass_connect(path, strlen(path), SOCK_DGRAM);
  assert(sender >= 0 && fdpass_send(sender, "a", 1, &sender, 1, 0) == 1);
  assert(fdpass_read(receiver, &(char){0}, 1) == 1);
  fdpass_close(sender);
  fdpass_close(receiver);
  unlink(path);

  static const char name[] = "\0fdpass-test"; /* abstract: unix(7) */
  listener = fdpass_listen(name, sizeof name, 1);
  client = fdpass_connect(name, sizeof name, SOCK_STREAM);
  assert(listener >= 0 && client >= 0 && fdpass_listen(name, sizeof name, 1) == -EADDRINUSE);
  fdpass_close(client);
  fdpass_close(listener);
}
