# Starts an AnyEvent::Fork template and prints "template". After a line of input, forks
# as many idle workers as the argument says, and prints "workers" when the first byte
# of each has arrived. Exits at the next line, or at the end of the input.
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

start 1; # the template is ready when it has forked once
close $_ for splice @sockets;
print "template\n";
<STDIN>;
start $ARGV[0];
print "workers\n";
<STDIN>;
