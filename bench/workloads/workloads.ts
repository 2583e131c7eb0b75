import type { Connection } from '../generator/connection.ts'
import { code, es256, json, tokens } from './checks.ts'
import type { CodeFlow, Form } from './plan.ts'
import type { Workload } from './workload.ts'

const opaque: Workload = {
  name: 'client_credentials → opaque',
  floor: ['/keep'],
  isOffered: (plan) => plan.opaque !== undefined,
  async prepare({ opaque }, connection) {
    let last = ''
    return async () => {
      const { access } = tokens(await connection.post(opaque as Form))
      if (access === last) throw new Error('the same token twice')
      last = access
    }
  }
}

const jwt: Workload = {
  name: 'client_credentials → JWT ES256',
  floor: ['/sign'],
  isOffered: (plan) => plan.jwt !== undefined,
  prepare:
    async ({ jwt }, connection) =>
    async () =>
      es256(tokens(await connection.post(jwt as Form)).access)
}

const introspection: Workload = {
  name: 'introspection',
  floor: ['/form'],
  isOffered: (plan) => plan.opaque !== undefined && plan.introspect !== undefined,
  async prepare({ opaque, introspect }, connection) {
    const { access } = tokens(await connection.post(opaque as Form))
    return async () => {
      const { active, client_id } = json(await connection.post(introspect as Form, `&token=${access}`))
      if (active !== true || typeof client_id !== 'string') throw new Error('the token is not active')
    }
  }
}

const refresh: Workload = {
  name: 'refresh with rotation',
  floor: ['/form'],
  isOffered: (plan) => plan.code !== undefined && plan.refresh !== undefined,
  async prepare(plan, connection, person) {
    let { refresh } = await redeemed(connection, person, plan.code)
    return async () => {
      const next = tokens(await connection.post(plan.refresh as Form, `&refresh_token=${refresh}`)).refresh
      if (next === '' || next === refresh) throw new Error('the refresh token was not rotated')
      refresh = next
    }
  }
}

const flow: Workload = {
  name: 'code + PKCE',
  floor: ['/form', '/form'],
  isOffered: (plan) => plan.code !== undefined,
  prepare: async (plan, connection, person) => async () => void (await redeemed(connection, person, plan.code))
}

const flowWithIdToken: Workload = {
  name: 'code + PKCE + ID token',
  floor: ['/form', '/sign'],
  isOffered: (plan) => plan.openid !== undefined,
  prepare: async (plan, connection, person) => async () => es256((await redeemed(connection, person, plan.openid)).id)
}

const userinfo: Workload = {
  name: 'userinfo',
  floor: ['/get'],
  isOffered: (plan) => plan.userinfo !== undefined,
  async prepare(plan, connection, person) {
    const { access } = await redeemed(connection, person, plan.openid ?? plan.code)
    const ask = async () => json(await connection.get(plan.userinfo ?? '', `authorization: Bearer ${access}\r\n`)).sub
    const sub = await ask()
    return async () => {
      if (typeof sub !== 'string' || (await ask()) !== sub) throw new Error('not the person')
    }
  }
}

const documents: Workload = {
  name: 'discovery + JWKS',
  floor: ['/get', '/get'],
  isOffered: (plan) => plan.documents !== undefined,
  prepare:
    async ({ documents: [discovery, jwks] = ['', ''] }, connection) =>
    async () => {
      const { token_endpoint } = json(await connection.get(discovery))
      const { keys } = json(await connection.get(jwks))
      if (typeof token_endpoint !== 'string' || !Array.isArray(keys) || keys.length === 0) throw new Error('not metadata and keys')
    }
}

/** As the table shows them. */
export const WORKLOADS: readonly Workload[] = [opaque, jwt, introspection, refresh, flow, flowWithIdToken, userinfo, documents]

/** What waits for a commit, with more connections. */
export const durable: Workload = { ...opaque, name: 'client_credentials → opaque, 64 connections' }

async function redeemed(connection: Connection, person: string, flow?: CodeFlow) {
  const { authorize, redeem } = flow as CodeFlow
  const found = code(await connection.get(authorize, `cookie: ${person}\r\n`))
  return tokens(await connection.post(redeem, `&code=${found}`))
}
