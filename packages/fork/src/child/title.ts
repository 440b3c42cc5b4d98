let prefix = 'anyfork'

/** Sets the first word of the titles of this process and of its forks. */
export function setTitlePrefix(first: string): void {
  prefix = first
}

export function getTitlePrefix(): string {
  return prefix
}

/** Shows in `ps` what this process does. */
export function showTitle(about: string): void {
  process.title = `${prefix} ${about}`
}
