import './client.ts'
import './dial.ts'
import './mail.ts'
