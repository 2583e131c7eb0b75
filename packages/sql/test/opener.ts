// Opens each store whose location its parent names, at once, and answers with the error or nothing.
import { openStore } from '../src/index.ts'

process.on('message', async (location: string) => {
  try {
    await (await openStore(location)).close()
    process.send?.('')
  } catch (error) {
    process.send?.((error as Error).message)
  }
})
process.send?.('ready')
