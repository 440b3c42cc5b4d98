import type { Subject } from '../harness/benchmark.js'
import { durations } from '../harness/measure-calls.js'
import { runPerl } from '../harness/perl.js'

/** The original. Debian does not package it; `cpan AnyEvent::Fork::RPC` installs it. */
export const perlRpc: readonly Subject[] = ['sync', 'async'].map(backend => ({
  name: `AnyEvent::Fork::RPC (Perl), octets${backend === 'async' ? ', async' : ''}`,
  peer: 'perl',
  variant: { backend },
  perlModule: 'AnyEvent::Fork::RPC',
}))

/**
 * Measures AnyEvent::Fork::RPC.
 *
 * @returns the calls per second and, with one pending call, the time of each call
 */
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
