import { type Minified, minify } from './minify.js'

/** What a worker answers for a file. */
export type Answer = Minified | { error: string }

process.on('message', (file: string) => {
  minify(file).then(
    done => process.send!(done),
    (error: Error) => process.send!({ error: error.message }),
  )
})
process.send!('ready')
