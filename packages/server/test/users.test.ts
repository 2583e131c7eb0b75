import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Claims, parseClaims, patchClaims } from '../src/claims.ts'
import type { GrantorServer } from '../src/index.ts'
import { canonicalLogin, type Users } from '../src/users.ts'
import { PASSWORD, startServer } from './support.ts'

const STANDARD = {
  name: 'Ann Lee',
  given_name: 'Ann',
  family_name: 'Lee',
  middle_name: 'B.',
  nickname: 'Annie',
  preferred_username: 'ann',
  profile: 'https://example.com/ann',
  picture: 'https://example.com/ann.png',
  website: 'http://ann.example.com/',
  email: 'ann@example.com',
  email_verified: true,
  gender: 'female',
  birthdate: '0000-02-29',
  zoneinfo: 'Asia/Tokyo',
  locale: 'ja-JP',
  phone_number: '+81 3 0000 0000;ext=12',
  phone_number_verified: false,
  address: { formatted: 'Tokyo\nJapan', street_address: '1-1', locality: 'Chiyoda', region: 'Tokyo', postal_code: '100', country: 'JP' },
  updated_at: 1_700_000_000
}

describe('claims of a person', () => {
  test('are all those of OpenID Connect Core §5.1, in other languages too (§5.2), and others as JSON', () => {
    const claims = { ...STANDARD, 'name#ja': 'アン・リー', 'family_name#ja-Kana-JP': 'リー', team: { id: 7, tags: ['a', null] } }
    expect(parseClaims(claims)).toEqual(claims)
  })

  test.each([
    ['name', ''],
    ['name', null],
    ['email', 'not an address'],
    ['email_verified', 'true'],
    ['phone_number_verified', 1],
    ['picture', 'javascript:alert(1)'],
    ['website', 'example.com'],
    ['birthdate', '1990-13-01'],
    ['birthdate', '28.2.1990'],
    ['updated_at', '2026-01-01'],
    ['updated_at', 1.5],
    ['address', 'Tokyo'],
    ['address', { town: 'Tokyo' }],
    ['sub', 'somebody else'],
    ['iss', 'https://evil.example'],
    ['auth_time', 1],
    ['acr', 'high'],
    ['sub#de', 'somebody else'],
    ['name#', 'Ann'],
    ['name#not a tag', 'Ann'],
    ['name#de#fr', 'Ann'],
    ['name#ja', 7],
    ['#ja', 'Ann']
  ])('are refused by name where %s is %j', (name, value) => {
    expect(() => parseClaims({ ...STANDARD, [name]: value })).toThrow(new RegExp(`claims: .*${name.split('#')[0]}`, 's'))
  })

  test('UI-04 another address is not verified, unless the same patch says so', () => {
    expect(patchClaims(STANDARD, { email: 'new@example.com' })).not.toHaveProperty('email_verified')
    expect(patchClaims(STANDARD, { email: 'new@example.com', email_verified: true }).email_verified).toBe(true)
    expect(patchClaims(STANDARD, { email: STANDARD.email }).email_verified).toBe(true)
    expect(patchClaims(STANDARD, { phone_number: null })).not.toHaveProperty('phone_number_verified')
    expect(() => patchClaims(STANDARD, ['name'])).toThrow(/claims/)
  })
})

describe('users', () => {
  let server: GrantorServer
  let users: Users
  beforeAll(async () => {
    ;({ server } = await startServer())
    users = server.users
  })
  afterAll(() => server.close())

  async function create(login: string) {
    const user = await users.create({ login, password: PASSWORD, claims: STANDARD })
    if (!user) throw new Error(`${login} is taken`)
    return user
  }

  test('are found by subject and by any spelling of their login', async () => {
    const { subject } = await create('Ｂob')
    expect(await users.find(subject)).toMatchObject({ subject, login: 'bob', claims: STANDARD })
    expect((await users.findByLogin(' BOB '))?.subject).toBe(subject)
    expect((await users.authenticate('bob', PASSWORD))?.subject).toBe(subject)
    expect(await users.authenticate('bob', `${PASSWORD}!`)).toBeUndefined()
    expect(await users.find('bob')).toBeUndefined()
  })

  test('are found by an address that is verified, whoever else has it later or calls themselves by it', async () => {
    const email = 'Eve@Example.com'
    const create = async (login: string, claims: Claims = {}) =>
      (await users.create({ login, password: PASSWORD, claims })) ?? expect.fail('the name is taken')
    const found = async () => (await users.findByEmail(' eve@example.COM '))?.subject
    await create('unverified', { email, email_verified: false })
    expect(await found()).toBeUndefined()
    const eve = await create('eve', { email, email_verified: true })
    const other = await create('other', { email, email_verified: true })
    await create('eve@example.com')
    expect(await found()).toBe(eve.subject)
    await users.updateClaims(eve.subject, { email: 'new@example.com' })
    expect(await found()).toBeUndefined()
    expect(await users.findByEmail('new@example.com')).toBeUndefined()
    await users.updateClaims(other.subject, { nickname: 'Otto' })
    expect(await found()).toBe(other.subject)
    await users.delete(other.subject)
    expect(await found()).toBeUndefined()
  })

  test('are listed page by page in the order of their subject', async () => {
    for (const login of ['list-1', 'list-2', 'list-3']) await create(login)
    const all = await users.list({ limit: 100 })
    const paged = []
    for (let after = ''; ; after = paged.at(-1)?.subject ?? '') {
      const page = await users.list({ limit: 2, after })
      if (page.length === 0) break
      paged.push(...page)
    }
    expect(paged).toEqual(all)
    expect(all.map(({ login }) => login)).toEqual(expect.arrayContaining(['alice', 'list-1', 'list-2', 'list-3']))
  })

  test('of racers for one name exactly one gets it, and no record of the others stays', async () => {
    const created = await Promise.all(Array.from({ length: 10 }, () => users.create({ login: 'wanted', password: PASSWORD })))
    const winners = created.filter((user) => user !== undefined)
    expect(winners).toHaveLength(1)
    expect((await users.findByLogin('wanted'))?.subject).toBe(winners[0]?.subject)
  })

  test.each([
    ['an empty name', { login: ' ', password: PASSWORD }],
    ['a name that is too long', { login: 'x'.repeat(201), password: PASSWORD }],
    ['a name with something that cannot be seen', { login: 'al\u200bice', password: PASSWORD }],
    ['a short password', { login: 'short', password: '1234567' }],
    ['a password that could never be verified', { login: 'long', password: 'x'.repeat(1025) }],
    ['claims that cannot be', { login: 'claims', password: PASSWORD, claims: { email: 'nothing' } }]
  ])('%s is refused', async (_, input) => {
    await expect(users.create(input)).rejects.toThrow(TypeError)
    expect(canonicalLogin(input.login) && (await users.findByLogin(input.login))).toBeFalsy()
  })

  test('of claims that are changed at once none is lost, and updated_at says when', async () => {
    const { subject } = await create('carol')
    const names = Array.from({ length: 10 }, (_, index) => `claim_${index}`)
    await Promise.all(names.map((name) => users.updateClaims(subject, { [name]: true, nickname: null })))
    const { updated_at: updatedAt = 0, ...claims } = (await users.claims(subject)) ?? {}
    const { nickname: _nickname, updated_at: before, ...others } = STANDARD
    expect(claims).toEqual({ ...others, ...Object.fromEntries(names.map((name) => [name, true])) })
    expect(updatedAt).toBeGreaterThan(before)
    expect(await users.updateClaims('nobody', { name: 'X' })).toBeUndefined()
  })

  test('UI-03 of a disabled or deleted person nothing is said, and nobody signs in', async () => {
    const { subject } = await create('dave')
    expect(await users.disable(subject)).toBe(true)
    expect(await users.claims(subject)).toBeUndefined()
    expect(await users.authenticate('dave', PASSWORD)).toBeUndefined()
    expect(await users.enable(subject)).toBe(true)
    expect(await users.claims(subject)).toMatchObject({ name: 'Ann Lee' })
    expect(await users.delete(subject)).toBe(true)
    expect(await users.claims(subject)).toBeUndefined()
    expect(await users.authenticate('dave', PASSWORD)).toBeUndefined()
    expect(await users.delete(subject)).toBe(false)
    expect((await create('dave')).subject).not.toBe(subject)
  })

  test('another password takes the place of the old one', async () => {
    const { subject } = await create('erin')
    await expect(users.setPassword(subject, 'short')).rejects.toThrow(/at least 8/)
    expect(await users.setPassword(subject, 'another password')).toBe(true)
    expect(await users.authenticate('erin', PASSWORD)).toBeUndefined()
    expect((await users.authenticate('erin', 'another password'))?.subject).toBe(subject)
    expect(await users.setPassword('nobody', 'another password')).toBe(false)
  })
})
