import { readFileSync } from 'node:fs'
import type { OpenDescriptor } from '../check-report.js'

type Socket = Pick<OpenDescriptor, 'state' | 'local' | 'remote'>

/** States of TCP sockets, include/net/tcp_states.h. */
const ESTABLISHED = 0x01
const LISTEN = 0x0a
/** States of unix sockets, proc_net_unix(5). */
const UNIX_LISTENING = 0x10000
const UNIX_CONNECTED = 0x03

/** Returns the sockets of this network namespace by inode: their states and addresses. */
export function socketsByInode(): Map<number, Socket> {
  const sockets = new Map<number, Socket>()
  for (const protocol of ['tcp', 'tcp6', 'udp', 'udp6']) {
    for (const fields of table(protocol)) {
      const [, local = '', remote = '', hexState = '', , , , , , inode] = fields
      const state = Number.parseInt(hexState, 16)
      const isConnected = state === ESTABLISHED
      sockets.set(Number(inode), {
        state: state === LISTEN ? 'listening' : isConnected ? 'connected' : 'unconnected',
        local: address(local),
        ...(isConnected ? { remote: address(remote) } : {}),
      })
    }
  }
  for (const [, , , flags = '', , state = '', inode, path] of table('unix')) {
    const isListening = (Number.parseInt(flags, 16) & UNIX_LISTENING) !== 0
    const isConnected = Number.parseInt(state, 16) === UNIX_CONNECTED
    sockets.set(Number(inode), {
      state: isListening ? 'listening' : isConnected ? 'connected' : 'unconnected',
      ...(path === undefined ? {} : { local: path }),
    })
  }
  return sockets
}

/** Returns the lines of a file in /proc/self/net, without the heading, split into fields. */
function table(protocol: string): string[][] {
  try {
    const lines = readFileSync(`/proc/self/net/${protocol}`, 'utf8').trim().split('\n').slice(1)
    return lines.map(line => line.trim().split(/\s+/))
  } catch {
    return [] // not compiled into this kernel
  }
}

/**
 * Decodes an address: `0100007F:1F90` is 127.0.0.1:8080. The address consists of 32-bit words in the byte order of the
 * machine; this assumes little-endian.
 */
function address(text: string): string {
  const [hex = '', port = ''] = text.split(':')
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap(word => word.match(/../g)!.reverse())
  const number = Number.parseInt(port, 16)
  if (bytes.length === 4) return `${bytes.map(byte => Number.parseInt(byte, 16)).join('.')}:${number}`
  if (/^0{20}ffff/i.test(bytes.join('')))
    return `${bytes
      .slice(12)
      .map(byte => Number.parseInt(byte, 16))
      .join('.')}:${number}`
  const groups = bytes
    .join('')
    .match(/.{4}/g)!
    .map(group => Number.parseInt(group, 16).toString(16))
  return `[${groups.join(':').replace(/(^|:)0(:0)+(:|$)/, '::')}]:${number}`.toLowerCase()
}
