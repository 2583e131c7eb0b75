import { execFile } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { storeContract } from 'grantor/stores/contract'
import { beforeAll, describe, expect, test } from 'vitest'
import { createConsumer, ROOT, typeErrors } from './consumer.ts'

const run = promisify(execFile)

/**
 * The whole programs in the guides: each begins with its imports, and ends by itself. Other blocks show a part. A first line such as
 * `// file-store.mts` names the file, so that a program may import another.
 */
const PROGRAMS = globSync('docs/**/*.md', { cwd: ROOT }).flatMap((document) => {
  const blocks = [...readFileSync(join(ROOT, document), 'utf8').matchAll(/```ts\n((?:\/\/ (\S+)\.mts\n)?import .*?)```/gs)]
  return blocks.map(([, code = '', name], index) => ({
    name: name ?? `${document.replaceAll(/docs\/|\.md/g, '').replaceAll('/', '-')}-${index}`,
    code
  }))
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

  test('the store of writing-a-store.md keeps every sentence of the contract', async () => {
    const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', join(folder, 'file-store.test.mts')])
    const kept = [...stdout.matchAll(/^ *ok \d+ - (.*)$/gm)].map(([, name]) => name)
    expect(kept).toEqual(storeContract(() => Promise.reject()).map(({ name }) => name))
    expect(stdout).not.toMatch(/^ *not ok/m)
  })
})
