package chaos_test

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
)

// harsh is a WeChat whose old values die soon after new ones appear: it shows
// at once who refreshes without telling the others.
func harsh() simulator.Options {
	return simulator.Options{FreshTickets: true, TicketOverlap: 5 * time.Second, Overlap: credentialLife - young}
}

// The same prober, the same WeChat: replicas that each refresh for themselves,
// as many programs do, sign wrongly; ours do not. Without the first half nobody
// would know whether the prober can see anything.
func TestNaive(t *testing.T) {
	t.Parallel()
	c := newCluster(t, plan{nodes: []string{modeltest.MariaDB(t)}, replicas: 3, stable: 1, wechat: harsh()})
	naive := make([]target, 3)
	for i := range naive {
		naive[i] = newLoner(t, fmt.Sprint("naive ", i), newDoor(t, c.sim).server.URL, c.appIDs[0])
	}
	p := probe(t, c.truth, naive, c.appIDs, 3, 50*time.Millisecond)
	time.Sleep(20 * time.Second)
	p.end()
	t.Log("naive: ", p.summary())
	if p.invalid.Load() == 0 || p.valid.Load() == 0 {
		t.Errorf("naive replicas: %s; want both valid and invalid ones", p.summary())
	}
	for _, n := range naive {
		n.(*loner).end()
	}

	c.start()
	ours := probe(t, c.truth, c.targets(), c.appIDs, 3, 50*time.Millisecond)
	for range 3 {
		time.Sleep(2 * young)
		c.renewAll()
	}
	ours.end()
	ours.holdValid(t)
	c.holdQuiet()
}

// loner is the naive build: it refreshes when its own clock says so, and knows
// nothing of its brothers.
type loner struct {
	name, wechat, appID string
	server              *httptest.Server
	stop                chan struct{}
	tasks               sync.WaitGroup
	end                 func()

	mu     sync.Mutex
	ticket string
}

// lonerPeriod is a naive replica's time between two refreshes; each begins at
// another moment, as processes do.
const lonerPeriod = 12 * time.Second

func newLoner(t *testing.T, name, wechat, appID string) *loner {
	t.Helper()
	l := &loner{name: name, wechat: wechat, appID: appID, stop: make(chan struct{})}
	l.server = httptest.NewServer(l)
	l.end = sync.OnceFunc(func() {
		close(l.stop)
		l.tasks.Wait()
		l.server.Close()
	})
	t.Cleanup(l.end)
	l.tasks.Go(func() {
		for {
			if err := l.refresh(t); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			select {
			case <-time.After(lonerPeriod):
			case <-l.stop:
				return
			}
		}
	})
	time.Sleep(time.Second)
	return l
}

func (l *loner) id() string   { return l.name }
func (l *loner) base() string { return l.server.URL }

// apiKey: it gives no tokens.
func (l *loner) apiKey() string { return "" }

func (l *loner) refresh(t *testing.T) error {
	t.Helper()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	err := l.get(t, "/cgi-bin/token", url.Values{"grant_type": {"client_credential"}, "appid": {l.appID}, "secret": {appSecret}}, &token)
	if err != nil {
		return err
	}
	var answer struct{ Ticket string }
	if err := l.get(t, "/cgi-bin/ticket/getticket", url.Values{"type": {"jsapi"}, "access_token": {token.AccessToken}}, &answer); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ticket = answer.Ticket
	return nil
}

func (l *loner) get(t *testing.T, path string, query url.Values, into any) error {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.wechat+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// ServeHTTP signs with whatever ticket it has.
func (l *loner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	ticket := l.ticket
	l.mu.Unlock()
	s := signed{AppID: l.appID, Timestamp: time.Now().Unix(), NonceStr: "0123456789abcdef", URL: r.FormValue("url")}
	sum := sha1.Sum(fmt.Appendf(nil, "jsapi_ticket=%s&noncestr=%s&timestamp=%d&url=%s",
		ticket, s.NonceStr, s.Timestamp, s.URL))
	s.Signature = hex.EncodeToString(sum[:])
	_ = json.NewEncoder(w).Encode(s)
}
