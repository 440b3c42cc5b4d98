let prefix = 'anyfork'

/** The first word of the title of this process, and of those forked from it. */
export function setTitlePrefix(first: string): void {
  prefix = first
}

export function getTitlePrefix(): string {
  return prefix
}

/** Shows, as `ps` has it, what this process is about. */
export function showTitle(about: string): void {
  process.title = `${prefix} ${about}`
}
