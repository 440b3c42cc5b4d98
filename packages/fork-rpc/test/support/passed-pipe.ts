import { fd } from '@anyfork/fork-rpc'
import { taggedPipe } from '@anyfork/test-support'

/** Returns a tagged pipe as an argument or a result that passes its reading end. */
export function passedPipe(tag: string): ReturnType<typeof fd> {
  const readEnd = taggedPipe(tag)
  try {
    return fd(readEnd)
  } finally {
    readEnd.close()
  }
}
