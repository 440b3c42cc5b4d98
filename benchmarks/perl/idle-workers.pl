# An AnyEvent::Fork template and so many idle forks of it. Says "template", waits for
# a line, starts them, says "workers" when each has said its first byte.
use strict;
use warnings;
use AnyEvent;
use AnyEvent::Fork;

$| = 1;
my $template = AnyEvent::Fork->new_exec->eval(<<'CHILD');
sub hello {
   my ($socket) = @_;
   syswrite $socket, 'x';
   sysread $socket, my $byte, 1; # waits for the end of its socket
}
CHILD

my @sockets;
sub start {
   my ($count) = @_;
   my $finished = AE::cv;
   for (1 .. $count) {
      $finished->begin;
      $template->fork->run(hello => sub {
         push @sockets, my $socket = $_[0];
         my $watch;
         $watch = AE::io $socket, 0, sub {
            undef $watch;
            $finished->end;
         };
      });
   }
   $finished->recv;
}

start 1; # then the template is there
close $_ for splice @sockets;
print "template\n";
<STDIN>;
start $ARGV[0];
print "workers\n";
<STDIN>;
