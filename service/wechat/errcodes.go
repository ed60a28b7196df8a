package wechat

import "time"

// The calls, as Error.Op names them.
const (
	opToken       = "token"
	opStableToken = "stable_token"
	opTicket      = "getticket"
	opProbe       = "getcallbackip"
)

// row says what one errcode means for us.
type row struct {
	class Class
	pause time.Duration // see Error.Pause
	mend  string        // see Error.Mend; {ip} becomes the address WeChat saw
}

// rowOf looks an errcode up, first in the meaning it has at one call only.
func rowOf(wecom bool, op string, errcode int) row {
	calls, codes, other := byCall, byCode, unknown
	if wecom {
		calls, codes, other = weComByCall, weComByCode, weComUnknown
	}
	if r, ok := calls[op][errcode]; ok {
		return r
	}
	if r, ok := codes[errcode]; ok {
		return r
	}
	return other
}

// unknown is the row of every errcode that is not listed. WeChat adds codes
// without notice, and a passing trouble that we park for half an hour costs an
// account its pages, while a lasting one that we ask about with growing pauses
// costs a few calls: so we start as if it will pass, and show it.
var unknown = row{Transient, 0, mendUnknown}

// byCall holds what an errcode means at one call only. The sources are the
// pages named at Stable, Classic and Ticket, and
// https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html.
var byCall = map[string]map[int]row{
	opToken: {
		40001: {NeedsHuman, 0, mendSecret},
		40014: unknown, // a token is not asked about here, so it cannot be dead
		42001: unknown,
		45009: {DayQuota, 0, mendQuotaClassic},
	},
	opStableToken: {
		40001: {NeedsHuman, 0, mendSecret},
		40014: unknown,
		42001: unknown,
		45009: {DayQuota, 0, mendQuotaStable},
	},
}

// byCode holds what an errcode means at every other call.
var byCode = map[int]row{
	-1: {Transient, 0, mendBusy},

	// The token in the question is dead. All three are documented; 40001 is what
	// WeChat answers to a made-up token as well (observed).
	40001: {TokenDead, 0, mendDead},
	40014: {TokenDead, 0, mendDead},
	42001: {TokenDead, 0, mendDead},

	// Used up.
	45009: {DayQuota, 0, mendQuota},
	45011: {MinuteQuota, time.Minute, mendMinute},

	// Wrong settings.
	40013: {NeedsHuman, 0, mendAppID},
	40125: {NeedsHuman, 0, mendSecret},
	40243: {NeedsHuman, 0, mendUnfreeze},
	41004: {NeedsHuman, 0, mendEmpty},
	43003: {NeedsHuman, 0, mendHTTPS},
	61024: {NeedsHuman, 0, mendPlatform},
	40002: {NeedsHuman, 0, mendBug},
	40097: {NeedsHuman, 0, mendBug},
	41001: {NeedsHuman, 0, mendBug},
	41002: {NeedsHuman, 0, mendBug},
	43002: {NeedsHuman, 0, mendBug},

	// The address this server calls from.
	40164: {NeedsHuman, 0, mendIP},
	61004: {NeedsHuman, 0, mendIPPlatform},
	89501: {NeedsHuman, 0, mendWait},
	89502: {NeedsHuman, 0, mendWait},
	89503: {NeedsHuman, 0, mendWait},
	89504: {NeedsHuman, 0, mendWait},
	89505: {NeedsHuman, 0, mendWait},
	89506: {NeedsHuman, 24 * time.Hour, mendRefusedDay},
	89507: {NeedsHuman, time.Hour, mendRefusedHour},

	// The account.
	48001: {NeedsHuman, 0, mendPermission},
	50002: {NeedsHuman, 0, mendFrozen},
	50004: {NeedsHuman, 0, mendFrozen},
	50007: {NeedsHuman, 0, mendFrozen},
}
