// Names of the kinds of events (NIPs).
const NAMES = {
	0: 'profile', 1: 'note', 2: 'relay recommendation', 3: 'follow list', 4: 'encrypted message', 5: 'deletion', 6: 'repost', 7: 'reaction', 8: 'badge award', 9: 'chat message',
	13: 'seal', 14: 'direct message', 16: 'generic repost', 17: 'reaction to a website', 20: 'picture', 21: 'video', 22: 'short video', 40: 'channel', 41: 'channel metadata', 42: 'channel message',
	62: 'request to vanish', 1018: 'poll response', 1059: 'gift wrap', 1063: 'file metadata', 1068: 'poll', 1111: 'comment', 1311: 'live chat message', 1984: 'report', 1985: 'label', 5000: 'job request', 6000: 'job result',
	7000: 'job feedback', 9041: 'zap goal', 9734: 'zap request', 9735: 'zap', 9802: 'highlight', 10000: 'mute list', 10001: 'pins', 10002: 'relay list', 10003: 'bookmarks', 10050: 'relays for messages', 10166: 'relay monitor',
	13194: 'wallet info', 22242: 'relay sign-in', 24133: 'remote signing', 27235: 'HTTP sign-in', 30000: 'follow set', 30003: 'bookmark set', 30008: 'profile badges', 30009: 'badge', 30023: 'article', 30024: 'article draft',
	30078: 'app data', 30166: 'relay observation', 30311: 'live event', 30315: 'status', 30402: 'classified', 31989: 'app recommendation', 31990: 'app handler', 34550: 'community'
}
export const kindName = (kind) => (NAMES[kind] ? `${kind} ${NAMES[kind]}` : `${kind}`)
export const commonKinds = () => Object.entries(NAMES)
