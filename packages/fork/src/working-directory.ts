/** The path of the working directory; none where that was removed. Where its name is no UTF-8, the path leads nowhere. */
export function workingDirectory(): string | undefined {
  try {
    return process.cwd()
  } catch {
    return undefined
  }
}
