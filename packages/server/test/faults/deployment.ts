import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Browser } from '../browser.ts'
import { grantor, type Program, startGrantor } from '../process.ts'
import { freePort, PASSWORD, temporaryFolder } from '../support.ts'
import type { Deployment } from './ledger.ts'

/** Nodes of one issuer on one database, each a process with a port of its own. */
export class Nodes {
  readonly deployment: Deployment
  readonly #configs: readonly string[]
  readonly #programs: (Program | undefined)[] = []

  private constructor(deployment: Deployment, configs: readonly string[]) {
    this.deployment = deployment
    this.#configs = configs
  }

  static async start(
    count: number,
    database: string,
    { folder = temporaryFolder(), ...settings }: { folder?: string; [setting: string]: unknown } = {}
  ): Promise<Nodes> {
    const ports: number[] = []
    for (let index = 0; index < count; index++) ports.push(await freePort())
    const issuer = `http://localhost:${ports[0]}`
    const configs = ports.map((port) => {
      const file = join(folder, `${port}.json`)
      writeFileSync(
        file,
        JSON.stringify({ issuer, host: '127.0.0.1', port, database, secretFile: 'secret', logLevel: 'warn', ...settings })
      )
      return file
    })
    const [config = ''] = configs
    await grantor(['user', 'add', '--config', config, 'alice'], `${PASSWORD}\n`)
    const metadata = {
      redirect_uris: ['https://client.example.com/cb'],
      grant_types: ['authorization_code', 'refresh_token'],
      scope: 'read',
      require_consent: false
    }
    const { client_id, client_secret } = JSON.parse(await grantor(['client', '--config', config, JSON.stringify(metadata)]))
    const deployment: Deployment = { issuer, ports, clientId: client_id, clientSecret: client_secret, cookie: '' }
    const nodes = new Nodes(deployment, configs)
    await Promise.all(ports.map((_, index) => nodes.startNode(index)))
    deployment.cookie = await signIn(issuer, client_id)
    return nodes
  }

  /** The configuration of the first node, for commands. */
  get config(): string {
    return this.#configs[0] ?? ''
  }

  port(turn: number): number {
    return this.deployment.ports[turn % this.count] ?? 0
  }

  get count(): number {
    return this.#configs.length
  }

  /** @param skew seconds by which its clock is ahead */
  async startNode(index: number, skew = 0): Promise<void> {
    const clock = fileURLToPath(new URL('./clock.ts', import.meta.url))
    const env = skew === 0 ? {} : { NODE_OPTIONS: `--import ${clock}`, CLOCK_SKEW: String(skew) }
    const program = startGrantor(['serve', '--config', this.#configs[index] as string], '', env)
    this.#programs[index] = program
    const url = `http://127.0.0.1:${this.deployment.ports[index]}/livez`
    while (
      !(await fetch(url).then(
        ({ ok }) => ok,
        () => false
      ))
    )
      await program.isAlive()
  }

  async killNode(index: number): Promise<void> {
    await this.#programs[index]?.signal('SIGKILL')
  }

  pidOf(index: number): number {
    return this.#programs[index]?.pid ?? 0
  }

  async stop(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program?.signal('SIGKILL')))
  }
}

async function signIn(issuer: string, clientId: string): Promise<string> {
  const browser = new Browser()
  const challenge = 'x'.repeat(43)
  await browser.open(
    `${issuer}/authorize?client_id=${clientId}&response_type=code&redirect_uri=https://client.example.com/cb&code_challenge=${challenge}&code_challenge_method=S256`
  )
  await browser.submit({ login: 'alice', password: PASSWORD, decision: 'login' })
  return browser.cookie()
}
