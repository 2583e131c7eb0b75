import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url))

/** A program of Node's in a process of its own, with all that it prints. */
export class Program {
  output = ''
  readonly #child: ChildProcessWithoutNullStreams
  readonly #ended: Promise<number | null>

  constructor(
    script: string,
    args: readonly string[] = [],
    { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {}
  ) {
    this.#child = spawn(process.execPath, [script, ...args], { env: { ...process.env, ...env } })
    const collect = (chunk: Buffer) => {
      this.output += chunk.toString()
    }
    this.#child.stdout.on('data', collect)
    this.#child.stderr.on('data', collect)
    this.#ended = once(this.#child, 'close').then(([code]) => code as number | null)
    this.#child.stdin.end(input)
  }

  /** Resolves when the output has the text, so many times. @throws Error with all output if it ends before */
  async says(text: string, times = 1): Promise<string> {
    while (this.output.split(text).length <= times) {
      const more = await Promise.race([once(this.#child.stdout, 'data'), once(this.#child.stderr, 'data'), this.#ended])
      if (!Array.isArray(more) && !this.output.includes(text)) throw new Error(`ended with ${more}: ${this.output}`)
    }
    return this.output
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** @throws Error with all output if it has ended */
  async isAlive(): Promise<void> {
    if (this.#child.exitCode !== null) throw new Error(`ended with ${this.#child.exitCode}: ${this.output}`)
  }

  signal(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal)
    return this.#ended
  }

  /** As a reader that ends, such as `head`. */
  stopReading(): void {
    this.#child.stdout.destroy()
  }

  /** @returns the exit code */
  ends(): Promise<number | null> {
    return this.#ended
  }
}

/** The `grantor` command, as a user starts it. */
export function startGrantor(args: readonly string[], input = '', env: Record<string, string> = {}): Program {
  return new Program(CLI, args, { input, env })
}

/** Runs a command that ends by itself. @returns what it printed @throws Error with it if it failed */
export async function grantor(args: readonly string[], input = ''): Promise<string> {
  const command = startGrantor(args, input)
  const code = await command.ends()
  if (code !== 0) throw new Error(`exit code ${code}: ${command.output}`)
  return command.output
}
