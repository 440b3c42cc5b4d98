let name = 'anyfork'

/** The first word of the title of this process, and of those forked from it. */
export function setName(first: string): void {
  name = first
}

export function getName(): string {
  return name
}

/** Shows, as `ps` has it, what this process is about. */
export function showTitle(about: string): void {
  process.title = `${name} ${about}`
}
