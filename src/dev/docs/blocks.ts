/** Markdown by the name of the block it fills. */
export type Blocks = Readonly<Record<string, string>>

const begin = (name: string) => `<!-- generated:${name} -->`
const end = (name: string) => `<!-- /generated:${name} -->`

/**
 * `page` with everything between `<!-- generated:NAME -->` and `<!-- /generated:NAME -->` replaced by the block of that
 * name. `changed` names the blocks that read otherwise before; `absent` has a line for each block without room in the
 * page, and for each room nothing is generated for.
 */
export function fill(page: string, blocks: Blocks): { page: string; changed: string[]; absent: string[] } {
  const changed: string[] = []
  const absent: string[] = []
  let filled = page
  for (const [name, text] of Object.entries(blocks)) {
    const from = filled.indexOf(begin(name))
    const to = filled.indexOf(end(name), from)
    if (from < 0 || to < 0) {
      absent.push(`there is no block ${begin(name)} … ${end(name)}`)
      continue
    }
    const start = from + begin(name).length
    const wanted = `\n\n${text}\n\n`
    if (filled.slice(start, to) !== wanted) changed.push(name)
    filled = filled.slice(0, start) + wanted + filled.slice(to)
  }
  for (const [, name = ''] of page.matchAll(/<!-- generated:(\S+) -->/g)) {
    if (!Object.hasOwn(blocks, name)) absent.push(`nothing is generated for block ${name}`)
  }
  return { page: filled, changed, absent }
}
