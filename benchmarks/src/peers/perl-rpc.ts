import type { Subject } from '../harness/benchmark.js'
import { durations } from '../harness/measure-calls.js'
import { runPerl } from '../harness/perl.js'

/** The original, which Debian does not have: `cpan AnyEvent::Fork::RPC`. */
export const perlRpc: readonly Subject[] = ['sync', 'async'].map(backend => ({
  name: `AnyEvent::Fork::RPC (Perl), octets${backend === 'async' ? ', async' : ''}`,
  peer: 'perl',
  variant: { backend },
  perlModule: 'AnyEvent::Fork::RPC',
}))

/** Calls it, so many outstanding. */
export async function callPerl(
  { variant }: Subject,
  message: string | number,
  pendingCalls: number,
  isQuick: boolean,
): Promise<{ perSecond: number; milliseconds: number[] }> {
  return (await runPerl('rpc.pl', {
    backend: variant!['backend'] as string,
    message,
    pendingCalls,
    ...durations(isQuick),
  })) as { perSecond: number; milliseconds: number[] }
}
