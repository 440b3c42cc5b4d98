import { randomBytes } from 'node:crypto'
import { basename } from 'node:path'
import { HEADER_BYTES } from '../protocol/frame.js'

/** Programs that take the text of a command after `-c`. */
const SHELL = /^(ba|da|a|z|k|mk|fi|tc|c)?sh$|^su$/
/** Everything that a shell, a URL, or a command line could take for something else. */
const SPECIAL = /[^\w.-]/g

/** What starts a remote process. */
export interface RemoteCommand {
  file: string
  args: string[]
  /** What the remote process writes first. Bytes before it are not from it: a login shell may greet. */
  greeting: string
}

/**
 * Returns the command that makes Node read its program from standard input, although that goes on afterwards. Node itself
 * would wait for its end.
 *
 * The added words have no character that a shell interprets, so they arrive alike through any number of shells, as `ssh`
 * joins words with blanks and lets a shell split them again.
 *
 * @param command - the words of the user
 * @param programBytes - the size of the program that will be sent in a frame
 */
export function remoteCommand(command: readonly string[], programBytes: number): RemoteCommand {
  const greeting = randomBytes(16).toString('hex')
  const url = `data:text/javascript,${percentEncoded(loader(greeting, HEADER_BYTES + programBytes))}`
  const added = ['--import', url, '-e', '0']
  const [file, ...args] = (isShellText(command)
    ? [...command.slice(0, -1), [command.at(-1), ...added].join(' ')]
    : [...command, ...added]) as unknown as [string, ...string[]]
  return { file, args, greeting }
}

/** Returns whether the last word is the text of a command for a shell: `sh -c 'exec node'`. */
function isShellText(command: readonly string[]): boolean {
  return /^-[a-z]*c$/.test(command.at(-2) ?? '') && command.slice(0, -2).some(word => SHELL.test(basename(word)))
}

/**
 * Returns the source of a module that greets, reads a frame, and runs its payload. The greeting is not in the source as it
 * is written: what echoes the source has not greeted.
 *
 * Threads of the remote process load the module as well, and processes that it starts must not get the words.
 */
function loader(greeting: string, bytes: number): string {
  return [
    'import{isMainThread}from"node:worker_threads"',
    'import{readSync,writeSync}from"node:fs"',
    'import{Module}from"node:module"',
    `if(isMainThread){process.execArgv.splice(-4);try{writeSync(1,"${greeting.slice(0, 16)}"+"${greeting.slice(16)}")}`,
    'catch(e){if(e.code!="EPIPE")throw e;process.exit()}', // the owner has ended
    `const b=Buffer.alloc(${bytes});let n=0`,
    `while(n<b.length)try{const k=readSync(0,b,n,b.length-n);if(!k)process.exit();n+=k}`,
    'catch(e){if(e.code=="EOF")process.exit();if(e.code!="EAGAIN")throw e;' +
      'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0,5)}',
    `new Module("[anyfork]")._compile(b.toString("utf8",${HEADER_BYTES}),"[anyfork]")}`,
  ].join('\n')
}

function percentEncoded(text: string): string {
  return text.replaceAll(SPECIAL, character => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
