# Measures calls of AnyEvent::Fork::RPC, with a fixed number of pending calls, for a
# period. Prints JSON: calls per second and, with one pending call, the milliseconds of
# each. Durations are in milliseconds.
use strict;
use warnings;
use AnyEvent;
use AnyEvent::Fork;
use AnyEvent::Fork::RPC;
use JSON::PP ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my %setting = (backend => 'sync', message => 'string', pendingCalls => 1, warmUp => 5, measured => 20, @ARGV);
my ($task, @args) = $setting{message} eq 'add(1, 2)' ? ('add', 1, 2) : ('echo', '12345678');
my $async = $setting{backend} eq 'async';

my $rpc = AnyEvent::Fork->new->eval(<<'CHILD')->AnyEvent::Fork::RPC::run($async ? "async_$task" : $task, async => $async);
sub add { $_[0] + $_[1] }
sub echo { $_[0] }
sub async_add { my ($done, $x, $y) = @_; $done->($x + $y) }
sub async_echo { my ($done, $value) = @_; $done->($value) }
CHILD

sub now { 1000 * clock_gettime(CLOCK_MONOTONIC) }

# Makes calls for a period. Returns the calls per second and the times.
sub call_for {
   my ($milliseconds) = @_;
   my ($count, @times) = (0);
   my $finished = AE::cv;
   my $started = now;
   my $end = $started + $milliseconds;
   my $step;
   $step = sub {
      my $called_at = now;
      $finished->begin;
      $rpc->(@args, sub {
         my $answered_at = now;
         $count++;
         push @times, $answered_at - $called_at if $setting{pendingCalls} == 1;
         $step->() if $answered_at < $end;
         $finished->end;
      });
   };
   $step->() for 1 .. $setting{pendingCalls};
   $finished->recv;
   return { perSecond => 1000 * $count / (now() - $started), milliseconds => \@times };
}

call_for $setting{warmUp};
print JSON::PP::encode_json(call_for $setting{measured});
