import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { PATIENCE_MS } from '@anyfork/test-support'

/** How many clients are connected at a time. */
const CLIENTS = 50
const ROUNDS = 3

/** How many pieces of echo have arrived so far. */
export let received = 0

/**
 * Makes connections, each from a client that sends some messages, waits for the echo of each, and shuts down its end.
 *
 * @param count - how many connections
 * @throws rejects if a client was refused or reset, or got anything but the bytes that it has sent, once and in order
 */
export async function load(port: number, count: number): Promise<void> {
  let begun = 0
  const client = async (): Promise<void> => {
    while (begun < count) await useConnection(port, begun++)
  }
  await Promise.all(Array.from({ length: Math.min(CLIENTS, count) }, client))
}

function useConnection(port: number, id: number): Promise<void> {
  const messages = Array.from({ length: ROUNDS }, (_, round) => `${id}.${round} ${'x'.repeat((id * 37) % 3000)}\n`)
  const sent = messages.join('')
  let text = ''
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1').setEncoding('utf8')
    const sendNext = (): void => {
      const message = messages.shift()
      if (message === undefined) socket.end()
      else socket.write(message)
    }
    socket.once('connect', sendNext)
    socket.on('data', piece => {
      received++
      text += piece
      if (text.length === sent.length - messages.join('').length) sendNext()
    })
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('bytes are missing')))
    socket.once('error', error => reject(new Error(`connection ${id}: ${error.message}`)))
    socket.once('close', () => {
      try {
        assert.ok(text === sent, `connection ${id}: sent ${sent.length} bytes, received ${text.length}`)
        resolve()
      } catch (error) {
        reject(error)
      }
    })
  })
}
