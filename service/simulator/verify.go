package simulator

import (
	"crypto/sha1" //nolint:gosec // WeChat's signature is SHA-1; there is no choice
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const maxVerifyURLs = 8

// Messages of verify as the client shows them behind "config:".
const (
	msgOK        = "ok"
	msgFail      = "fail" // parameters incomplete
	msgAppID     = "invalid appid"
	msgDomain    = "invalid url domain"
	msgSignature = "invalid signature"
)

// verifyRequest is what WeChat's client asks its server on wx.config. Further
// fields are passed over: a page's bridge may send more.
type verifyRequest struct {
	AppID string `json:"appid"`
	agentQuestion
	NonceStr  string   `json:"noncestr"`
	Timestamp stamp    `json:"timestamp"`
	Signature string   `json:"signature"`
	URLs      []string `json:"urls"`
}

// stamp is a timestamp that a page may send as a string or as a number.
type stamp string

func (s *stamp) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, (*string)(s))
	}
	var number json.Number
	if err := json.Unmarshal(raw, &number); err != nil {
		return errors.New("timestamp: neither a string nor a number")
	}
	*s = stamp(number)
	return nil
}

// verdict is the answer. URL is the one that matched; Why is for people.
type verdict struct {
	OK  bool   `json:"ok"`
	Msg string `json:"msg"`
	URL string `json:"url,omitempty"`
	Why string `json:"why,omitempty"`
	// Errcode is what WeCom's hint names where it refuses wx.agentConfig.
	Errcode int `json:"errcode,omitempty"`
}

func (s *Simulator) serveVerify(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		writeControl(w, http.StatusMethodNotAllowed, controlError{"verify is asked by POST"})
		return
	}
	q, err := decodeLoose[verifyRequest](w, r)
	if err != nil {
		writeControl(w, http.StatusBadRequest, controlError{err.Error()})
		return
	}
	writeControl(w, http.StatusOK, q.withErrcode(s.verify(q)))
}

// verify answers as WeChat does: the domain, then SHA-1 with every ticket that
// is alive, for each URL the client may mean.
func (s *Simulator) verify(q verifyRequest) verdict {
	if missing := q.missing(); missing != "" {
		return verdict{Msg: msgFail, Why: missing}
	}
	scene, unknown := s.scene(q)
	if unknown != "" {
		return verdict{Msg: msgAppID, Why: unknown}
	}
	var onDomain, signed bool
	var offDomain string
	for _, raw := range q.URLs {
		page, _, _ := strings.Cut(raw, "#")
		why := checkPage(page, scene.domains, s.options.AnyPort)
		match := scene.signed(q, page)
		if why == "" && match {
			return s.fresh(q, scene.now, page)
		}
		onDomain, signed = onDomain || why == "", signed || match
		offDomain = orDefault(offDomain, why)
	}
	if s.options.SignatureFirst && !signed || onDomain {
		return verdict{Msg: msgSignature, Why: scene.explain(q)}
	}
	return verdict{Msg: msgDomain, Why: offDomain}
}

// fresh applies the knob SignatureMaxAge to a signature that is right.
func (s *Simulator) fresh(q verifyRequest, now time.Time, page string) verdict {
	most := s.options.SignatureMaxAge
	seconds, err := strconv.ParseInt(string(q.Timestamp), 10, 64)
	if age := now.Sub(time.Unix(seconds, 0)); most > 0 && (err != nil || age > most) {
		why := fmt.Sprintf("right, but its timestamp is %s old (SignatureMaxAge is %s)", age.Round(time.Second), most)
		return verdict{Msg: msgSignature, Why: why}
	}
	return verdict{OK: true, Msg: msgOK, URL: page}
}

// missing names what WeChat answers config:fail for; "" = all there.
func (q verifyRequest) missing() string {
	var names []string
	for _, field := range []struct{ name, value string }{
		{q.idName(), q.id()}, {"noncestr", q.NonceStr}, {"timestamp", string(q.Timestamp)}, {"signature", q.Signature},
	} {
		if field.value == "" || field.value == "undefined" {
			names = append(names, field.name)
		}
	}
	if len(q.URLs) == 0 {
		names = append(names, "urls")
	}
	if len(q.URLs) > maxVerifyURLs {
		return fmt.Sprintf("urls: %d given, at most %d", len(q.URLs), maxVerifyURLs)
	}
	if len(names) == 0 {
		return ""
	}
	return "parameters incomplete: " + strings.Join(names, ", ")
}

// scene is what verify needs to know, copied so that hashing holds no lock.
type scene struct {
	now     time.Time
	domains []domain
	kind    string  // of the ticket that signs
	owner   string  // the account whose it is
	live    []value // tickets that sign
	others  []value // what a page could have signed with by mistake
}

// maxOthers bounds the mistakes that explain tries.
const maxOthers = 200

// scene also says in words why the account is none, "" where it is.
func (s *Simulator) scene(q verifyRequest) (found scene, unknown string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[q.id()]
	if unknown := q.unknown(a); unknown != "" {
		return scene{}, unknown
	}
	found = scene{now: s.now(), domains: a.trusted(), kind: q.kind(), owner: q.id()}
	for _, v := range slices.Backward(a.issued) {
		if v.kind == found.kind && v.alive(found.now) {
			found.live = append(found.live, *v)
		} else if len(found.others) < maxOthers {
			found.others = append(found.others, *v)
		}
	}
	for _, other := range s.accounts {
		for _, v := range other.issued[max(len(other.issued)-8, 0):] {
			if other != a && (v.kind == found.kind || other.kin(a)) && len(found.others) < 2*maxOthers {
				found.others = append(found.others, *v)
			}
		}
	}
	return found, ""
}

// signed reports whether a live ticket gives the signature for the page.
func (sc scene) signed(q verifyRequest, page string) bool {
	for i := range sc.live {
		if signature(sc.live[i].text, q.NonceStr, string(q.Timestamp), page) == q.Signature {
			return true
		}
	}
	return false
}

// signature is the JS-SDK algorithm (document: appendix 1 of the JS-SDK page):
// SHA-1 over the raw values, nothing encoded, nothing trimmed.
func signature(ticket, nonce, timestamp, page string) string {
	return sha1Hex("jsapi_ticket=" + ticket + "&noncestr=" + nonce + "&timestamp=" + timestamp + "&url=" + page)
}

func sha1Hex(text string) string {
	sum := sha1.Sum([]byte(text)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}
