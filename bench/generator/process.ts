import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import type { ContenderEntry } from '../contenders/contenders.ts'
import type { Usage } from '../contenders/serve.ts'
import type { Plan } from '../workloads/plan.ts'

const SERVER_CORE = '0'
const GENERATOR_CORE = '1'

/** Whether processes can be kept on a core of their own here. */
export const isPinned = availableParallelism() > 1 && hasTaskset()

/** Keeps this process off the core of the servers. */
export function pinGenerator(): void {
  if (isPinned) execFileSync('taskset', ['-a', '-c', '-p', GENERATOR_CORE, String(process.pid)], { stdio: 'ignore' })
}

/** A contender in a process of its own. */
export class ContenderProcess {
  readonly entry: ContenderEntry
  readonly port: number
  readonly plan: Plan
  readonly #child: ChildProcess

  private constructor(entry: ContenderEntry, child: ChildProcess, { port, plan }: { port: number; plan: Plan }) {
    this.entry = entry
    this.#child = child
    this.port = port
    this.plan = plan
  }

  /** @param env PEOPLE who are signed in, COUNT=1 to count what goes to the store */
  static async start(entry: ContenderEntry, env: Record<string, string> = {}): Promise<ContenderProcess> {
    const DATABASE = await entry.database?.()
    const command = [process.execPath, new URL(`../${entry.module}`, import.meta.url).pathname]
    const [file = '', ...args] = isPinned ? ['taskset', '-c', SERVER_CORE, ...command] : command
    const child = spawn(file, args, {
      env: { ...process.env, NODE_ENV: 'production', NODE_NO_WARNINGS: '1', ...env, ...(DATABASE !== undefined && { DATABASE }) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc']
    })
    return new ContenderProcess(entry, child, await reply<{ port: number; plan: Plan }>(child, entry.name))
  }

  async usage(): Promise<Usage> {
    const answer = reply<{ usage: Usage }>(this.#child, this.entry.name)
    this.#child.send('usage')
    return (await answer).usage
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.disconnect()
    await gone
  }
}

function reply<T>(child: ChildProcess, name: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error(`${name} ended`))
    child.once('exit', gone)
    child.once('message', (message) => {
      child.off('exit', gone)
      resolve(message as T)
    })
  })
}

function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
