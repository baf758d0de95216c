/* Together in one process: starting one costs as much as most of these take. */
import './table.ts'
import './dial-transitions.ts'
import './evidence-transitions.ts'
import './delivery-transitions.ts'
import './sibling-transitions.ts'
import './rare-transitions.ts'
import './trust-transitions.ts'
