// Bundles the consumer's flow as a Worker's author does, runs it in workerd, and prints what it answers.
import { join } from 'node:path'
import { build } from 'esbuild'
import { Miniflare } from 'miniflare'

const [folder = '.'] = process.argv.slice(2)
const worker = `
  import * as grantor from 'grantor'
  import { flow } from './flow.mjs'
  export default { fetch: async () => new Response(await flow(grantor)) }
`
const { outputFiles } = await build({
  stdin: { contents: worker, resolveDir: folder, sourcefile: join(folder, 'worker.mjs') },
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  conditions: ['workerd', 'worker'],
  write: false
})
const miniflare = new Miniflare({ modules: true, script: outputFiles[0].text, compatibilityDate: '2026-07-01' })
console.log(await (await miniflare.dispatchFetch('http://localhost/')).text())
await miniflare.dispose()
