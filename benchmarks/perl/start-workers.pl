# Forks workers from an AnyEvent::Fork template, a fixed number at a time, for a period.
# Measures from the request until the first byte of the worker arrives. Prints JSON:
# workers per second, and the milliseconds of each. With exec, each worker is a new
# interpreter. templateMebibytes and programMebibytes are written before.
use strict;
use warnings;
use AnyEvent;
use AnyEvent::Fork;
use JSON::PP ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my %setting = (concurrency => 1, warmUp => 5, measured => 20, exec => 0, templateMebibytes => 0, programMebibytes => 0, @ARGV);

my $code = <<'CHILD';
our $ballast = 'x' x ($_[0] << 20);
sub hello {
   my ($socket) = @_;
   syswrite $socket, 'x';
   sysread $socket, my $byte, 1; # waits for the end of its socket
}
CHILD
my $template = AnyEvent::Fork->new_exec->eval($code, $setting{templateMebibytes});
my $ballast = 'x' x ($setting{programMebibytes} << 20);

sub new_worker { $setting{exec} ? AnyEvent::Fork->new_exec->eval($code, 0) : $template->fork }

sub now { 1000 * clock_gettime(CLOCK_MONOTONIC) }

# Starts workers for a period. Returns the workers per second and the times.
sub start_for {
   my ($milliseconds) = @_;
   my @times;
   my $finished = AE::cv;
   my $started = now;
   my $last = $started;
   my $end = $started + $milliseconds;
   my $step;
   $step = sub {
      my $requested_at = now;
      $finished->begin;
      new_worker->run(hello => sub {
         my ($socket) = @_;
         my $watch;
         $watch = AE::io $socket, 0, sub {
            sysread $socket, my $byte, 1;
            undef $watch;
            close $socket;
            $last = now;
            push @times, $last - $requested_at;
            $step->() if $last < $end;
            $finished->end;
         };
      });
   };
   $step->() for 1 .. $setting{concurrency};
   $finished->recv;
   return { perSecond => 1000 * @times / ($last - $started), milliseconds => \@times };
}

start_for $setting{warmUp};
print JSON::PP::encode_json(start_for $setting{measured});
