package wechat

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What went wrong when it was not an errcode; *Error wraps one of these, or
// context.Canceled or context.DeadlineExceeded.
var (
	// ErrRequest says that the arguments can never work; nothing was sent.
	ErrRequest = errors.New("wrong request")
	// ErrUnreachable says that no connection came about; nothing was sent.
	ErrUnreachable = errors.New("cannot connect")
	// ErrUntrusted says that TLS failed.
	ErrUntrusted = errors.New("no trusted connection")
	// ErrBroken says that the connection failed after the request went out:
	// WeChat may have carried it out.
	ErrBroken = errors.New("connection broke")
	// ErrNotWeChat says that the answer has an HTTP status WeChat's API never
	// gives.
	ErrNotWeChat = errors.New("not an answer of WeChat's API")
	// ErrGarbage says that the answer is not what the API documents.
	ErrGarbage = errors.New("garbage answer")
)

// Class says what a failure means for the next try.
type Class int

// The classes. The zero Class is the one that is safe for the unknown.
const (
	// Transient: try again, with growing pauses.
	Transient Class = iota
	// TokenDead: WeChat does not know the access_token any more. Renew the
	// token once, then ask again.
	TokenDead
	// MinuteQuota: wait a minute at least.
	MinuteQuota
	// DayQuota: nothing works before the next day in China (Asia/Shanghai).
	DayQuota
	// NeedsHuman: only a person can mend it, see Mend. Try again rarely.
	NeedsHuman
)

// String is a stable word for logs and metric labels.
func (c Class) String() string {
	switch c {
	case TokenDead:
		return "token_dead"
	case MinuteQuota:
		return "minute_quota"
	case DayQuota:
		return "day_quota"
	case NeedsHuman:
		return "needs_human"
	case Transient:
	}
	return "transient"
}

// ClassOf is the class of an *Error in err's chain, Transient if there is none.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return Transient
}

// ClassOfErrcode is the class of an errcode where the call does not matter, as it
// matters for some: what a row of the database tells is only the errcode.
func ClassOfErrcode(mode Mode, errcode int) Class {
	return rowOf(mode == WeComMode, "", errcode).class
}

// Error is any failure of a call. It holds no secret, token or URL.
type Error struct {
	Op      string // the end of the path, such as getticket
	AppID   string // of a token call; the others know only a token
	Errcode int    // WeChat's errcode, 0 if there was none
	Errmsg  string // WeChat's words, without the rid, at most 200 bytes
	RID     string // WeChat's request id or WeCom's hint, what its support asks for
	Status  int    // HTTP status, 0 without an answer
	Class   Class
	IP      string // our egress address as WeChat saw it (40164, 61004, most of WeCom), else ""
	Err     error  // the cause if there is no errcode

	unsent bool // the request cannot have reached anyone
	wecom  bool // WeCom was asked
}

// Error says what failed in one line.
func (e *Error) Error() string {
	var b strings.Builder
	host := "wechat"
	if e.wecom {
		host = "wecom"
	}
	fmt.Fprintf(&b, "%s %s", host, e.Op)
	if e.AppID != "" {
		fmt.Fprintf(&b, " for %s", e.AppID)
	}
	if e.Errcode != 0 {
		fmt.Fprintf(&b, ": errcode %d", e.Errcode)
	}
	if e.Errmsg != "" {
		fmt.Fprintf(&b, ": %s", e.Errmsg)
	}
	if e.RID != "" {
		fmt.Fprintf(&b, " (rid %s)", e.RID)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap gives the cause, nil for an errcode.
func (e *Error) Unwrap() error { return e.Err }

// Pause is the shortest time before another call of this account can help, as
// WeChat names it; 0 leaves it to the caller's back-off for the class.
func (e *Error) Pause() time.Duration { return e.row().pause }

func (e *Error) row() row { return rowOf(e.wecom, e.Op, e.Errcode) }

// fail makes the Error of a call that got no errcode.
func (k call) fail(status int, cause error) *Error {
	class := Transient
	if errors.Is(cause, ErrRequest) {
		class = NeedsHuman
	}
	return &Error{Op: k.op, AppID: k.appID, Status: status, Class: class, Err: cause, wecom: k.wecom}
}

// refusal reads the errcode of an answer, nil if WeChat granted the call.
func (k call) refusal(a answer) *Error {
	const status = http.StatusOK // errcodes come with no other
	code, err := a.errcode()
	if err != nil {
		return k.fail(status, err)
	}
	if code == 0 {
		return nil
	}
	errmsg := a.text("errmsg")
	text, rid := splitRID(errmsg)
	if k.wecom {
		text, rid = splitHint(errmsg)
	}
	return &Error{
		Op: k.op, AppID: k.appID, Errcode: code, Errmsg: k.clean(text, maxErrmsg), RID: k.clean(rid, maxErrmsg),
		Status: status, Class: rowOf(k.wecom, k.op, code).class, IP: callerIP(errmsg), wecom: k.wecom,
	}
}
