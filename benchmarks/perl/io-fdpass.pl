# Measures how many descriptors per second IO::FDPass passes from one process to another.
# Both block in its calls and have no event loop. The argument is the number of
# descriptors; a tenth of it warms up. Prints the result.
use strict;
use warnings;
use IO::FDPass;
use POSIX ();
use Socket;
use Time::HiRes 'time';

my $count = shift;
my $warm_up = int($count / 10) + 1;
socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!";
my $child = fork // die "fork: $!";

if (!$child) {
  my $socket = fileno $theirs;
  for my $total ($warm_up, $count) {
    for (1 .. $total) {
      my $fd = IO::FDPass::recv $socket;
      die "recv: $!" if $fd < 0;
      POSIX::close $fd;
    }
    syswrite $theirs, 'x';
  }
  exit;
}

my $started;
for my $total ($warm_up, $count) {
  $started = time;
  for (1 .. $total) { IO::FDPass::send fileno $ours, 0 or die "send: $!" }
  sysread $ours, my $answer, 1;
}
printf "%f\n", $count / (time - $started);
waitpid $child, 0;
