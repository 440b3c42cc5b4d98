import { fork, type SerializationType } from 'node:child_process'
import { numberedCalls } from './numbered-calls.js'
import type { Client, PeerOptions } from './peer.js'

const worker = new URL('../workers/messages.js', import.meta.url)

export function start({ task }: PeerOptions, { serialization }: { serialization: SerializationType }): Client {
  const child = fork(worker, { serialization })
  return numberedCalls(
    task,
    request => void child.send(request),
    onMessage => child.on('message', message => onMessage(message as [number, unknown])),
  )
}
