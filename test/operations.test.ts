import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { grantor, startGrantor } from '../packages/server/test/process.ts'
import { freePort, temporaryFolder } from '../packages/server/test/support.ts'
import { PostgresServer } from '../packages/sql/test/postgres.ts'
import { ROOT } from './consumer.ts'

const blocks = (document: string, language: string) =>
  [...readFileSync(join(ROOT, 'docs', document), 'utf8').matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(
    ([, code]) => code ?? ''
  )

test('every command of docs/operations.md does what it says, and the log line is as it shows', { timeout: 120_000 }, async () => {
  const postgres = await PostgresServer.start()
  const [folder, port] = [temporaryFolder(), await freePort()]
  writeFileSync(join(folder, 'grantor.json'), JSON.stringify({ issuer: `http://localhost:${port}`, host: 'localhost', port }))
  const places: Record<string, string> = {
    'grantor.json': join(folder, 'grantor.json'),
    '/backup/grantor.db': join(folder, 'copy.db'),
    './data/grantor.db': join(folder, 'data/grantor.db'),
    'postgres://grantor@db.internal/grantor': await postgres.createDatabase()
  }
  const commands = blocks('operations.md', 'sh')
    .flatMap((block) => block.trim().split('\n'))
    .map((line) =>
      Object.entries(places)
        .reduce((text, [name, place]) => text.replace(name, place), line)
        .split(' ')
        .slice(1)
    )
  expect(commands.map(([name]) => name)).toEqual(['serve', 'backup', 'migrate', 'migrate', 'migrate', 'migrate', 'store'])
  const outputs: string[] = []
  for (const command of commands) {
    // Nobody moves what they have just rolled back.
    if (command[0] === 'store') await grantor(['migrate', '--config', join(folder, 'grantor.json'), 'up'])
    if (command[0] !== 'serve') outputs.push(await grantor(command))
    else {
      const server = startGrantor(command)
      await server.says('"msg":"listening"', 4)
      expect(await server.signal('SIGTERM')).toBe(0)
    }
  }
  expect(outputs).toMatchObject(
    ['', /schema 2; this version wants 2/, /schema 2/, /schema 1/, /schema 1/, /grantor_artifacts: \d+ rows, sha256/].map((line) =>
      expect.stringMatching(line)
    )
  )
  const { deleted, batches, longest, lag } = JSON.parse(blocks('operations.md', 'json')[0] ?? '')
  expect([deleted, batches, longest, lag].map((value) => typeof value)).toEqual(Array(4).fill('number'))
  await postgres.stop()
})

test('every command of docs/keys.md does what it says', async () => {
  const [file, port] = [join(temporaryFolder(), 'grantor.json'), await freePort()]
  writeFileSync(file, JSON.stringify({ issuer: `http://localhost:${port}`, host: 'localhost', port }))
  const commands = blocks('keys.md', 'sh').flatMap((block) => block.trim().split('\n'))
  const outputs: string[] = []
  for (const command of commands) outputs.push(await grantor(command.replace('grantor.json', file).split(' ').slice(1)))
  const states = (output = '') =>
    output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).state)
  expect(outputs.slice(0, 3).map(states)).toEqual([
    ['current', 'current'],
    ['current', 'current', 'next', 'next'],
    ['current', 'current']
  ])
  expect(outputs.slice(3)).toEqual(['keys encrypted anew: 0\n'])
})

test('the code of docs/stores.md opens a store, and its two issuers share nothing', async () => {
  const folder = join(ROOT, 'node_modules/.grantor-docs')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const code = blocks('stores.md', 'js').join('\n').replace('./grantor.db', join(folder, 'grantor.db'))
  writeFileSync(join(folder, 'stores.mjs'), `${code}\nexport { store }\n`)
  const { red, blue, store } = await import(join(folder, 'stores.mjs'))
  const { client_id } = await red.clients.create({ grant_types: ['client_credentials'], scope: 'read' })
  expect(await red.clients.find(client_id)).toBeDefined()
  expect(await blue.clients.find(client_id)).toBeUndefined()
  await store.close()
})
