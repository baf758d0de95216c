import { combined, phrasebook, plain } from './wording.ts'

/*
 * What people and machines say. Only words matter here: case, accents, punctuation and the kind of apostrophe do not.
 */

const ME = ['me', 'us', 'my number', 'my name', 'my phone', 'our number', 'this number', 'this phone']
const LISTS = ['your', 'the list', 'the call list', 'this list', 'that list', 'of your', 'of the list', 'of this list']

/** The customer wants no more calls. Said by anybody else it means nothing: agents read out the same words. */
export const OPT_OUT = phrasebook([
  ...combined(['stop', 'quit'], ['calling', 'phoning', 'ringing', 'contacting me', 'contacting us', 'the calls']),
  ...combined(["don't", 'do not', 'never'], ['call', 'contact', 'phone', 'ring'], [...ME, 'here', 'again']),
  ...combined(["don't", 'do not'], ['call anymore', 'call any more', 'call back']),
  'do not call',
  "please don't call",
  ...combined(["don't", 'do not'], ['ever call', 'ever contact']),
  ...combined(
    ['I', 'we'],
    ["don't", 'do not'],
    ['want you to call', 'want you calling', 'want to be called', 'want any more calls'],
  ),
  ...combined(['remove', 'delete', 'erase'], ME),
  ...combined(['take', 'get'], ME, ['off'], LISTS),
  'lose my number',
  'lose this number',
  'no more calls',
  'leave me alone',
  'not to call me',
  'not to be called',
  ...combined(
    ['no me', 'no nos'],
    ['llame', 'llames', 'llamen', 'vuelva a llamar', 'vuelvan a llamar', 'vuelvas a llamar'],
  ),
  ...combined(['deje', 'dejen', 'deja', 'pare', 'paren'], ['de'], ['llamar', 'llamarme', 'llamarnos', 'molestar']),
  ...combined(['no'], ['llame', 'llamen', 'llames'], ['más', 'otra vez', 'de nuevo', 'a este número']),
  ...combined(['no vuelva a', 'no vuelvan a', 'no vuelvas a'], ['llamar', 'llamarme', 'llamarnos']),
  ...combined(['no quiero que me', 'no quiero que'], ['llame', 'llamen', 'llames', 'vuelvan a llamar']),
  ...combined(['quíteme', 'quítenme', 'sáqueme', 'sáquenme', 'bórreme', 'bórrenme', 'elimíneme'], ['de']),
  ...combined(
    ['quite', 'quiten', 'borre', 'borren', 'elimine', 'eliminen'],
    ['mi número', 'mi teléfono', 'este número'],
  ),
])

/** After one of these an opt-out is a tale, not an order: "they never call me", "I do not call people back". */
export const TELLERS = new Set(
  ['I', "I'll", 'we', "we'll", 'they', 'he', 'she', 'who', 'nobody'].map((word) => plain(word).trim()),
)

/** A machine took the call, or screens it. */
export const MAILBOX = phrasebook([
  ...combined(['leave'], ['a', 'your', 'me a', 'us a', 'a brief', 'a short', 'a detailed'], ['message']),
  ...combined(['leave your'], ['name', 'number', 'phone number']),
  ...combined(['after', 'at', 'wait for'], ['the'], ['tone', 'beep']),
  ...combined(['record'], ['your', 'a'], ['message', 'name']),
  'mailbox',
  'voice mailbox',
  'voicemail box',
  'forwarded to voicemail',
  'forwarded to voice mail',
  'reached the voicemail',
  'reached the voice mail',
  'automatic voice message system',
  'automated voice messaging system',
  'when you have finished recording',
  'when you are finished recording',
  ...combined(
    ['not available', 'unable', 'unavailable'],
    ['to take your call', 'to come to the phone', 'to answer your call'],
  ),
  ...combined(["can't", 'cannot', 'can not', "couldn't"], ['take', 'answer', 'get to'], ['your call', 'the phone']),
  ...combined(["can't", 'cannot', 'can not'], ['come to the phone', 'get to the phone', 'talk right now']),
  ...combined(
    ["I'll", "we'll", 'I will', 'we will'],
    ['return your call', 'get back to you', 'call you back'],
    ['as soon as', 'at our earliest', 'at my earliest'],
  ),
  ...combined(
    ['the person', 'the party', 'the caller', 'the customer'],
    ["you're", 'you are', 'you'],
    ['trying to reach', 'calling', 'called', 'have called', 'have dialed'],
  ),
  ...combined(['your call', 'this call', 'call'], ['is'], ['being screened', 'being forwarded']),
  ...combined(['say', 'state', 'record', 'give'], ['your name and'], ['reason', 'why', 'the reason']),
  'name and reason for calling',
  'using a screening service',
  'call assist by google',
  ...combined(['deje', 'dejar'], ['su', 'un', 'tu'], ['mensaje', 'mensaje después']),
  ...combined(['después', 'luego'], ['del', 'de la'], ['tono', 'señal']),
  ...combined(['buzón de'], ['voz', 'mensajes']),
  'grabe su mensaje',
])

/** The network says that there is no such line. */
export const INTERCEPT = phrasebook([
  ...combined(
    ['number'],
    ['you have dialed', 'you dialed', 'you have called', 'you have reached', 'you are calling'],
    [
      'is not in service',
      'is no longer in service',
      'is not a working number',
      'has been disconnected',
      'has been changed',
      'is disconnected',
      'does not exist',
    ],
  ),
  'disconnected or is no longer in service',
  'is not a working number',
  'cannot be completed as dialed',
  'número que usted marcó no existe',
  'no se encuentra en servicio',
])

export const NOT_INTERESTED = phrasebook([
  'not interested',
  'no longer interested',
  'not really interested',
  'not at all interested',
  "don't want any",
  "don't want it",
  "don't want this",
  "don't want your",
  "don't need it",
  "don't need any",
  "don't need insurance",
  'no estoy interesado',
  'no estoy interesada',
  'no me interesa',
  'no nos interesa',
  'no tengo interés',
])
