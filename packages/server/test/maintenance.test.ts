import { SqliteStore } from '@grantor/sql'
import { AuthorizationServer, ConfigurationError, type Extension } from 'grantor'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { Maintenance } from '../src/maintenance.ts'

const SECRET = 'a root secret that all nodes have in common'

test('of several nodes one looks for what is due; the next takes over when it stops, or fails no more', async () => {
  const store = new SqliteStore({ path: ':memory:' })
  const done: string[] = []
  let isBroken = false
  const node = (name: string) => {
    const extension: Extension = () => ({
      async maintain() {
        if (isBroken) throw new ConfigurationError('broken')
        done.push(name)
      }
    })
    const server = new AuthorizationServer({ issuer: 'https://id.example.com', store, secret: SECRET, extensions: [extension] })
    return new Maintenance(server, store, pino({ level: 'silent' }))
  }
  const [first, second] = [node('first'), node('second')]
  for (let i = 0; i < 3; i++) for (const each of [first, second]) await each.run()
  expect(done).toEqual(['first', 'first', 'first'])
  // What fails is tried again.
  isBroken = true
  await first.run()
  isBroken = false
  await first.run()
  await Promise.all([first.run(), first.run()])
  expect(done).toHaveLength(5)
  // Who stops sees to what it has in hand, whoever holds the lease.
  await second.stop()
  await first.stop()
  expect(done.slice(5)).toEqual(['second', 'first'])
  await second.run()
  expect(done.at(-1)).toBe('second')
  await store.close()
})
