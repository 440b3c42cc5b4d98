import type { Task } from './peer.js'

export type Message = 'add(1, 2)' | '8-byte string'

/** The calls that the RPC benchmarks make: small, because they measure the cost of a call and not of its payload. */
export const messages: Record<Message, { task: Task; args: unknown[]; result: unknown; isNumbers: boolean }> = {
  'add(1, 2)': { task: 'add', args: [1, 2], result: 3, isNumbers: true },
  '8-byte string': { task: 'echo', args: ['12345678'], result: '12345678', isNumbers: false },
}
