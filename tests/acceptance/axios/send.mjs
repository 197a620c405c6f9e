// Posts a payload as Invoice-Collector's HTTP integration does: JSON by axios, up to three tries with a pause,
// and nothing but status 200 is success. Usage: node send.mjs URL PAYLOAD.json PAUSE_MS
// Prints one line of JSON: {"tries": 1, "status": 200, "answer": {…}}; exits 1 where no try was answered 200.
import { readFileSync } from 'node:fs'
import axios from 'axios'

const [url, file, pauseMs] = process.argv.slice(2)
const payload = JSON.parse(readFileSync(file, 'utf8'))
const TRIES = 3

async function post () {
  try {
    const response = await axios.post(url, payload, { headers: { 'Content-Type': 'application/json' } })
    return { status: response.status, answer: response.data }
  } catch (error) {
    return { status: error.response?.status ?? error.code, answer: error.response?.data }
  }
}

let result
for (let tries = 1; tries <= TRIES; tries++) {
  result = { tries, ...await post() }
  if (result.status === 200) break
  if (tries < TRIES) await new Promise(resolve => setTimeout(resolve, Number(pauseMs)))
}
console.log(JSON.stringify(result))
process.exit(result.status === 200 ? 0 : 1)
