# Measures how many descriptors per second AnyEvent::FDpasser passes from one process to
# another. The argument is their number; a tenth of it warms up. Prints the result.
use strict;
use warnings;
use AnyEvent;
use AnyEvent::FDpasser;
use Time::HiRes 'time';

my $count = shift;
my $warm_up = int($count / 10) + 1;
my $passer = AnyEvent::FDpasser->new(on_error => sub { });
my $child = fork // die "fork: $!";
open my $null, '<', '/dev/null' or die $!;

if (!$child) {
  $passer->i_am_child;
  my $done = AE::cv;
  for my $total ($warm_up, $count) {
    my $received = 0;
    my $all = AE::cv;
    my $receive; $receive = sub { ++$received == $total ? $all->send : $received + 100 <= $total && $passer->push_recv_fh($receive) };
    $passer->push_recv_fh($receive) for 1 .. ($total < 100 ? $total : 100);
    $all->recv;
    $passer->push_send_fh($null, $total == $count ? sub { $done->send } : ());
  }
  $done->recv;
  exit;
}

$passer->i_am_parent;
my $started;
for my $total ($warm_up, $count) {
  $started = time;
  my $sent = 0;
  my $send; $send = sub { $sent++ < $total && $passer->push_send_fh($null, $send) };
  $send->() for 1 .. 100;
  my $answered = AE::cv;
  $passer->push_recv_fh(sub { $answered->send });
  $answered->recv;
}
printf "%f\n", $count / (time - $started);
waitpid $child, 0;
