import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { storeContract } from 'grantor/stores/contract'
import { beforeAll, describe, expect, test } from 'vitest'
import { createConsumer, ROOT, typeErrors } from './consumer.ts'

const [store = '', contract = ''] = [...readFileSync(join(ROOT, 'docs/writing-a-store.md'), 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(
  ([, code]) => code ?? ''
)

describe('docs/writing-a-store.md, in a project that installed the package', () => {
  let folder: string
  beforeAll(() => {
    folder = createConsumer()
    writeFileSync(join(folder, 'map-store.mts'), store)
    writeFileSync(join(folder, 'contract.test.mts'), contract)
  }, 60_000)

  test('its TypeScript has no type errors', () => {
    expect(typeErrors(folder)).toBe('')
  })

  test('its store keeps every sentence of the contract', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap', join(folder, 'contract.test.mts')])
    const passed = [...stdout.matchAll(/^ *ok \d+ - (.*)$/gm)].map(([, name]) => name)
    expect(passed).toEqual(expect.arrayContaining(storeContract(() => Promise.reject()).map(({ name }) => name)))
    expect(stdout).not.toMatch(/^ *not ok/m)
  })
})
