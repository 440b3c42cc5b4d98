import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** The folder of the guides. */
export const docs = resolve(import.meta.dirname, '../../..')
export const top = dirname(docs)

export interface Block {
  language: string
  code: string
  /** The file name in the first line: `// worker.js`, `# before.pl`, `<!-- page.html -->`. */
  file: string | undefined
}

/** What follows a heading, up to the next heading. */
export interface Section {
  title: string
  blocks: Block[]
}

/** Returns the paths of all Markdown files of this repository. */
export function markdownFiles(): string[] {
  const below = (folder: string): string[] =>
    readdirSync(join(top, folder)).map(name => join(folder, name, 'README.md'))
  const texts = readdirSync(docs)
    .filter(name => name.endsWith('.md'))
    .map(name => join('docs', name))
  return [
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'UPGRADING.md',
    ...below('packages'),
    ...below('examples'),
    ...texts,
  ]
    .map(path => join(top, path))
    .filter(existsSync)
}

export function codeBlocks(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = '', code = '']) => ({
    language,
    code,
    file: /^(?:\/\/|#) (\S+\.\w+|Dockerfile)\n/.exec(code)?.[1],
  }))
}

/** Returns the sections that have code blocks. */
export function sectionsOf(markdown: string): Section[] {
  const sections: Section[] = []
  const parts = markdown.matchAll(/^#+ (?<title>[^\n]*)\n|^```\w*\n.*?^```$/gms)
  for (const { 0: part, groups } of parts) {
    if (groups?.['title']) sections.push({ title: groups['title'], blocks: [] })
    else sections.at(-1)?.blocks.push(...codeBlocks(part))
  }
  return sections.filter(({ blocks }) => blocks.length)
}

/** Returns what the comments after `console.log` say that a program prints. */
export function expectedLines(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\),? \/\/ (.*)$/gm)].map(([, text = '']) => text)
}

/** Returns the commands of a shell block, without comments. */
export function commandsOf({ code }: Block): string[] {
  return code
    .split('\n')
    .map(line => line.replace(/\s# .*/, '').trim())
    .filter(line => line && !line.startsWith('#'))
}
