import { closeSync, openSync, writeSync } from 'node:fs'
import type { Descriptor } from '@anyfork/fdpass'
import { Channel } from './channel.js'
import { commands, type Message } from './message.js'

/** Another worker, which this one can send messages to. */
interface Peer {
  pid: number
  channel: Channel
}

/**
 * The function of a worker. It greets each worker whose channel it gets, and tells the master when the greeting is answered.
 *
 * @param control - the socket to the master that comes with each fork; this program uses channels instead
 * @param greetings - how many messages to send to each worker
 * @param own - the end of its channel from which only this worker reads; others write to the other end
 */
export function work(control: Descriptor, slot: number, greetings: number, logPath: string, own: Descriptor): void {
  control.close()
  const channel = new Channel(own)
  const peers = new Map<number, Peer>()
  /** By pid: how many greetings have come. */
  const greeted = new Map<number, number>()
  const sending = new Set<Promise<void>>()
  let log = openSync(logPath, 'a')

  const write = (text: string): void => void writeSync(log, `slot ${slot} (pid ${process.pid}) ${text}\n`)
  /** Sends a message. If the receiver has ended, the master tells so. */
  const send = (to: Channel, message: Partial<Message>): void => {
    const sent = to.send({ pid: process.pid, slot, ...message }).catch(() => {})
    sending.add(sent)
    void sent.then(() => sending.delete(sent))
  }
  const welcomeIfDue = (peer: Peer | undefined): void => {
    if (peer && greeted.get(peer.pid) === greetings) send(peer.channel, { command: commands.welcome })
  }

  const carryOut = ({ command, pid, slot: other, number }: Message, descriptor: Descriptor | undefined): void => {
    const peer = peers.get(other)
    switch (command) {
      case commands.openChannel: {
        peer?.channel.close()
        const opened = { pid, channel: new Channel(descriptor!) }
        peers.set(other, opened)
        for (let i = 1; i <= greetings; i++) send(opened.channel, { command: commands.greeting, number: i })
        if (opened.channel.waits) write(`waits for slot ${other} (pid ${pid})`)
        return welcomeIfDue(opened) // its greetings may have come before its channel
      }
      case commands.closeChannel:
        greeted.delete(pid)
        if (peer?.pid !== pid) return
        peer.channel.close()
        peers.delete(other)
        return
      case commands.quit:
        write('quits')
        void Promise.all(sending).then(() => process.exit(0))
        return
      case commands.terminate:
        return process.exit(0)
      case commands.reopen:
        closeSync(log)
        log = openSync(logPath, 'a')
        return write('has reopened its log')
      case commands.greeting:
        if (number !== (greeted.get(pid) ?? 0) + 1) throw new Error(`greeting ${number} is out of order`)
        greeted.set(pid, number)
        if (peer?.pid === pid) welcomeIfDue(peer)
        return
      case commands.welcome:
        if (peer?.pid !== pid) return // it has ended since
        write(`has met slot ${other} (pid ${pid})`)
        send(channel, { command: commands.reached, pid, number: peer.channel.waits })
        return
      default:
        throw new Error(`there is no command ${command}`)
    }
  }
  channel.onReadable(() => {
    for (const { message, descriptor } of channel.receive()) carryOut(message, descriptor)
  })
}
