import './answers.ts'
import './client.ts'
import './standing.ts'
