package simulator

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// Simulator is a pretend api.weixin.qq.com and qyapi.weixin.qq.com. It is safe for concurrent use,
// starts no goroutine and needs no closing.
type Simulator struct {
	options   Options
	endpoints map[string]endpoint
	control   http.Handler

	mu       sync.Mutex // guards all below; never held while a fault is slow
	offset   time.Duration
	accounts map[string]*account
	vault    vault
	faults   []*fault
	released chan struct{} // closed when faults are cleared: frees calls that wait
	ledger   ledger
	rids     ridBook
	media    []medium // the latest uploads
}

// New checks the options and opens the accounts. An error wraps ErrOptions and
// names every fault.
func New(options Options) (*Simulator, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Simulator{
		options:   options,
		endpoints: endpoints(),
		accounts:  map[string]*account{},
		released:  make(chan struct{}),
		vault:     newVault(options.CredentialLife),
		ledger:    newLedger(options.LedgerSize),
	}
	for _, a := range options.Accounts {
		if s.accounts[a.AppID], err = newAccount(a); err != nil {
			return nil, err // not reached: withDefaults has checked the account
		}
	}
	for _, a := range options.Accounts {
		if err := s.addCorp(s.accounts[a.AppID]); err != nil {
			return nil, err
		}
	}
	s.control = s.controlHandler()
	return s, nil
}

// ServeHTTP answers the paths of api.weixin.qq.com, below /qyapi those of
// qyapi.weixin.qq.com, and the control routes below /_sim/. Control answers to loopback peers only, except /_sim/verify.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/_sim/verify":
		s.serveVerify(w, r)
	case strings.HasPrefix(r.URL.Path, "/_sim/"):
		s.control.ServeHTTP(w, r)
	default:
		s.serveWeChat(w, r)
	}
}

// VerifyHandler is the verify answer alone (POST, any path): what a simulated
// WeChat client asks. It tells nothing that a page does not know already, so a
// server may mount it where phones reach it.
func (s *Simulator) VerifyHandler() http.Handler { return http.HandlerFunc(s.serveVerify) }

// serveWeChat is one call of a pretend WeChat API.
func (s *Simulator) serveWeChat(w http.ResponseWriter, r *http.Request) {
	c, err := receive(r)
	if err != nil {
		http.Error(w, "request body not received", http.StatusRequestEntityTooLarge)
		return
	}
	f := s.begin(c)
	defer s.finish(c)
	if f != nil {
		s.play(f, c, w, r)
		return
	}
	s.answer(c).write(w)
}

// now is the simulator's clock. s.mu must be held.
func (s *Simulator) now() time.Time { return s.options.Now().Add(s.offset) }

// begin finds out whose call it is, opens its line in the ledger and takes the
// fault that waits for it, if any.
func (s *Simulator) begin(c *call) *fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.identify(c)
	f := s.takeFault(c)
	c.released = s.released
	c.entry = s.ledger.open(c, s.now(), f)
	return f
}

// finish closes the line in the ledger, also when a fault cut the connection.
func (s *Simulator) finish(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.close(c.entry, s.now())
}

// answer lets the call take effect and renders what WeChat says to it.
func (s *Simulator) answer(c *call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now = s.now()
	result, err := s.handle(c)
	return s.render(c, result, err)
}
