import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url))

/** The `grantor` command in a process of its own, as a user starts it. */
export class Command {
  output = ''
  readonly #child: ChildProcessWithoutNullStreams
  readonly #ended: Promise<number | null>

  constructor(args: readonly string[], input = '') {
    this.#child = spawn(process.execPath, [CLI, ...args])
    const collect = (chunk: Buffer) => {
      this.output += chunk.toString()
    }
    this.#child.stdout.on('data', collect)
    this.#child.stderr.on('data', collect)
    this.#ended = once(this.#child, 'close').then(([code]) => code as number | null)
    this.#child.stdin.end(input)
  }

  /** Resolves when the output has the text. @throws Error with all output if it ends before */
  async says(text: string): Promise<string> {
    while (!this.output.includes(text)) {
      const more = await Promise.race([once(this.#child.stdout, 'data'), this.#ended])
      if (!Array.isArray(more) && !this.output.includes(text)) throw new Error(`ended with ${more}: ${this.output}`)
    }
    return this.output
  }

  signal(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal)
    return this.#ended
  }

  /** @returns the exit code */
  ends(): Promise<number | null> {
    return this.#ended
  }
}

/** Runs a command that ends by itself. @returns what it printed @throws Error with it if it failed */
export async function grantor(args: readonly string[], input = ''): Promise<string> {
  const command = new Command(args, input)
  const code = await command.ends()
  if (code !== 0) throw new Error(`exit code ${code}: ${command.output}`)
  return command.output
}
