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

/** The flags that make an interpreter load modules before the program, or read such flags from a file. */
const PRELOADING =
  /^(-r|--require|--import|--loader|--experimental-loader|--(?:experimental-(?:default-)?)?config-file)$/

/**
 * Returns the flags that preload modules, each with its value.
 *
 * @param execArgv - the flags of an interpreter
 * @param env - its environment
 */
export function preloadingFlags(
  execArgv: readonly string[],
  env: NodeJS.ProcessEnv,
): [flag: string, value: string | undefined][] {
  const words = [...splitNodeOptions(env['NODE_OPTIONS'] ?? ''), ...execArgv]
  return words.flatMap((word, i): [string, string | undefined][] => {
    const [given, ...value] = word.split('=')
    const flag = flagName(given!)
    return PRELOADING.test(flag) ? [[flag, value.length ? value.join('=') : words[i + 1]]] : []
  })
}

/** The flags for modules that change how others are loaded. */
const LOADER = /^--(import|loader|experimental-loader)$/

/** Returns whether an interpreter preloads modules that usually run in a thread of their own. */
export function hasLoader(execArgv: readonly string[], env: NodeJS.ProcessEnv): boolean {
  return preloadingFlags(execArgv, env).some(([flag]) => LOADER.test(flag))
}

/** Returns the usual name of a flag: Node accepts `_` for `-`. */
export function flagName(word: string): string {
  return word.split('=', 1)[0]!.replaceAll('_', '-')
}

/** The value of NODE_OPTIONS that Node splits into these. */
export function joinNodeOptions(options: readonly string[]): string {
  return options.map(option => (/[ "\\]/.test(option) ? `"${option.replace(/["\\]/g, '\\$&')}"` : option)).join(' ')
}
