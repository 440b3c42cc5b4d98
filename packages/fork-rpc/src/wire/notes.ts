import { RpcError } from '../errors.js'
import { MOST_KEYS, type Note } from './frame.js'

const MOST_ID = 0xffffffff

/**
 * Decodes the payload of a `notes` frame.
 *
 * @throws RpcError if it is not a list of notes
 */
export function parseNotes(payload: Buffer): Note[] {
  let notes: unknown
  try {
    notes = JSON.parse(payload.toString())
  } catch {
    throw new RpcError('ERR_RPC_PROTOCOL', 'the notes of a frame are invalid') // the cause would show a part of them
  }
  if (!Array.isArray(notes) || !notes.every(isNote))
    throw new RpcError('ERR_RPC_PROTOCOL', 'the notes of a frame are invalid')
  return notes
}

function isNote(note: unknown): note is Note {
  if (!Array.isArray(note) || !isPath(note[1])) return false
  const [what, , detail] = note as unknown[]
  if (what === 'fd') return note.length === 2
  if (note.length !== 3) return false
  return what === 'binary' ? typeof detail === 'string' : what === 'stream' && isWithin(detail, MOST_ID)
}

function isPath(path: unknown): boolean {
  return (
    Array.isArray(path) &&
    path.length > 0 &&
    path.length <= MOST_KEYS &&
    path.every(key => typeof key === 'string' || isWithin(key, MOST_ID)) &&
    typeof path[0] === 'number'
  )
}

function isWithin(value: unknown, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most
}
