import cluster, { type Worker } from 'node:cluster'

/** Milliseconds before a worker that died is replaced. */
const RESTART_DELAY = 500

/**
 * Runs this program so many times on one port; whoever dies is replaced. Ends when all have answered what they accepted, or when one ends before
 * any could listen: the next would not fare better.
 * @param forwarded what else the workers are told
 */
export function runWorkers(count: number, report: (message: string) => void, forwarded: readonly NodeJS.Signals[]): void {
  let stopping = false
  let serving = false
  let exitCode = 0
  const fork = () => {
    if (!stopping) cluster.fork()
  }
  cluster.on('exit', (worker: Worker, code: number, signal: string) => {
    if (!stopping && !serving) {
      report(`worker ${worker.process.pid} ended with ${signal ?? code} before it listened`)
      exitCode = code || 1
      stop()
    } else if (!stopping) {
      report(`worker ${worker.process.pid} ended with ${signal ?? code}; it is replaced`)
      setTimeout(fork, RESTART_DELAY * (1 + Math.random()))
    }
    if (stopping && Object.keys(cluster.workers ?? {}).length === 0) process.exit(exitCode)
  })
  cluster.on('listening', () => {
    serving = true
  })
  const stop = () => {
    if (stopping) process.exit(1)
    stopping = true
    tell('SIGTERM')
  }
  const tell = (signal: NodeJS.Signals) => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill(signal)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  for (const signal of forwarded) process.on(signal, tell)
  for (let index = 0; index < count; index++) fork()
}
