import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { NodeRequest, NodeResponse } from './node.ts'

export function temporaryFile(): string {
  return join(mkdtempSync(join(tmpdir(), 'grantor-')), 'grantor.db')
}

export function startChild(script: string, ...args: string[]): ChildProcess {
  return fork(new URL(script, import.meta.url), args, { execArgv: ['--disable-warning=ExperimentalWarning'] })
}

export async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** SQLite's own opinion of a file: `ok`, or what is broken. */
export function integrityOf(path: string): unknown {
  const database = new DatabaseSync(path)
  const [row] = database.prepare('PRAGMA integrity_check').all()
  database.close()
  return row?.integrity_check
}

/** An authorization server in a process of its own. */
export class RemoteNode {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (response: NodeResponse) => void>()
  #requests = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (response: NodeResponse) => this.#waiting.get(response.id)?.(response))
  }

  static async start(location: string, settings: Record<string, unknown> = {}): Promise<RemoteNode> {
    const child = startChild('./node.ts', location, JSON.stringify(settings))
    const node = new RemoteNode(child)
    await new Promise<void>((resolve, reject) => {
      node.#waiting.set(0, () => resolve())
      child.once('exit', (code) => reject(new Error(`the node ended with ${code}`)))
    })
    return node
  }

  send(path: string, form?: Record<string, string>): Promise<NodeResponse> {
    const id = ++this.#requests
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#child.send({ id, path, ...(form && { form }) } satisfies NodeRequest)
    })
  }

  stop(): Promise<void> {
    return kill(this.#child)
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}
