/**
 * Splits the value of NODE_OPTIONS as Node does: at spaces, save between double quotes,
 * where a backslash makes the next character an ordinary one.
 */
export function splitNodeOptions(text: string): string[] {
  const options: string[] = []
  let option: string | undefined
  let isQuoted = false
  for (let i = 0; i < text.length; i++) {
    let character = text[i]!
    if (character === '"') {
      isQuoted = !isQuoted
      option ??= ''
    } else if (character === ' ' && !isQuoted) {
      if (option !== undefined) options.push(option)
      option = undefined
    } else {
      if (character === '\\' && isQuoted) character = text[++i] ?? ''
      option = (option ?? '') + character
    }
  }
  if (option !== undefined) options.push(option)
  return options
}

/** The value of NODE_OPTIONS that Node splits into these. */
export function joinNodeOptions(options: readonly string[]): string {
  return options.map(option => (/[ "\\]/.test(option) ? `"${option.replace(/["\\]/g, '\\$&')}"` : option)).join(' ')
}
