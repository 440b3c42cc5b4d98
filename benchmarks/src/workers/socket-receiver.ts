/** Receives `argv[2]` sockets from `process.send` and destroys them. Then sends a message. */
const count = Number(process.argv[2])
let received = 0
process.on('message', (_message, handle) => {
  ;(handle as { destroy(): void }).destroy()
  if (++received === count) process.send!('done')
})
