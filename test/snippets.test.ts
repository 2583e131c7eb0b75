import { execFile } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { createConsumer, ROOT, typeErrors } from './consumer.ts'

const run = promisify(execFile)

/** The whole programs in the guides: each begins with its imports, and ends by itself. Other blocks show a part. */
const PROGRAMS = globSync('docs/*.md', { cwd: ROOT }).flatMap((document) => {
  const blocks = [...readFileSync(join(ROOT, document), 'utf8').matchAll(/```ts\n(import .*?)```/gs)].map(([, code = '']) => code)
  return blocks.map((code, index) => ({ name: `${document.replaceAll(/docs\/|\.md/g, '')}-${index}`, code }))
})

describe('the programs in the guides', () => {
  let folder: string
  beforeAll(() => {
    folder = createConsumer()
    for (const { name, code } of PROGRAMS) writeFileSync(join(folder, `${name}.mts`), code)
  }, 60_000)

  test('have no type errors', () => {
    expect(PROGRAMS.length).toBeGreaterThan(0)
    expect(typeErrors(folder)).toBe('')
  })

  test.each(PROGRAMS)('$name runs to its end', async ({ name }) => {
    const { stderr } = await run(process.execPath, [join(folder, `${name}.mts`)], { cwd: folder, timeout: 20_000 })
    expect(stderr).toBe('')
  })
})
