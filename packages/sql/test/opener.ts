// Opens each file that its parent names, at once, and answers with the error or nothing.
import { SqliteStore } from '../src/index.ts'

process.on('message', async (path: string) => {
  try {
    await new SqliteStore({ path }).close()
    process.send?.('')
  } catch (error) {
    process.send?.((error as Error).message)
  }
})
process.send?.('ready')
