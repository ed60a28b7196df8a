package simulator_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/simulator/simtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	appID  = "wx0123456789abcdef"
	appKey = "0123456789abcdef0123456789abcdef"
	other  = "wxfedcba9876543210"
)

// world is a simulator with two accounts, seen through HTTP.
type world struct {
	*simtest.Server
	t *testing.T
}

// answer is any body WeChat sends.
type answer struct {
	Errcode     int      `json:"errcode"`
	Errmsg      string   `json:"errmsg"`
	AccessToken string   `json:"access_token"`
	Ticket      string   `json:"ticket"`
	ExpiresIn   int      `json:"expires_in"`
	IPs         []string `json:"ip_list"`
	raw         string
	header      http.Header
	status      int
}

func options(change ...func(*simulator.Options)) simulator.Options {
	o := simulator.Options{Accounts: []simulator.Account{
		{AppID: appID, Secret: appKey, Domains: []string{"h5.example.com", "shop.example.org/mall"}},
		{AppID: other, Secret: "another secret", Domains: []string{"other.example.net"}},
	}}
	for _, f := range change {
		f(&o)
	}
	return o
}

// onLoopback starts the world on loopback; its clock begins at noon in Shanghai, so
// that no test meets the end of a minute or a day by chance.
func onLoopback(t *testing.T, change ...func(*simulator.Options)) world {
	t.Helper()
	start, noon := time.Now(), time.Date(2026, 9, 17, 4, 0, 0, 0, time.UTC)
	clock := func(o *simulator.Options) { o.Now = func() time.Time { return noon.Add(time.Since(start)) } }
	return world{Server: simtest.Start(t, options(append([]func(*simulator.Options){clock}, change...)...)), t: t}
}

// inBubble starts the world inside a synctest bubble, on the bubble's clock.

func inBubble(t *testing.T, change ...func(*simulator.Options)) world {
	t.Helper()
	return world{Server: simtest.StartPiped(t, options(change...)), t: t}
}

func (w world) send(method, target, contentType, body string) answer {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.URL+target, bytes.NewReader([]byte(body)))
	if err != nil {
		w.t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := w.Client.Do(request)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, target, err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, target, err)
	}
	a := answer{raw: string(raw), header: response.Header, status: response.StatusCode}
	_ = json.Unmarshal(raw, &a) // tests that care look at raw
	return a
}

func (w world) get(target string) answer { w.t.Helper(); return w.send("GET", target, "", "") }

func (w world) post(target, body string) answer {
	w.t.Helper()
	return w.send("POST", target, "application/json", body)
}

const classicTarget = "/cgi-bin/token?grant_type=client_credential&appid=" + appID + "&secret=" + appKey

func (w world) classic() answer { w.t.Helper(); return w.get(classicTarget) }

func (w world) stable(force bool) answer {
	w.t.Helper()
	body, _ := json.Marshal(map[string]any{
		"grant_type": "client_credential", "appid": appID, "secret": appKey, "force_refresh": force,
	})
	return w.post("/cgi-bin/stable_token", string(body))
}

func (w world) ticket(token, kind string) answer {
	w.t.Helper()
	return w.get("/cgi-bin/ticket/getticket?type=" + kind + "&access_token=" + url.QueryEscape(token))
}

// probe is what a token is worth now: 0, 40001 or 42001.
func (w world) probe(token string) int {
	w.t.Helper()
	return w.get("/cgi-bin/getcallbackip?access_token=" + url.QueryEscape(token)).Errcode
}

func (w world) wantProbe(what, token string, errcode int) {
	w.t.Helper()
	if got := w.probe(token); got != errcode {
		w.t.Fatalf("%s: %s answers errcode %d, want %d", time.Now().Format(time.TimeOnly), what, got, errcode)
	}
}

// want fails unless the answer has this errcode.
func (w world) want(what string, a answer, errcode int) answer {
	w.t.Helper()
	if a.Errcode != errcode || a.status != http.StatusOK {
		w.t.Fatalf("%s: status %d errcode %d, want 200 and %d: %s", what, a.status, a.Errcode, errcode, a.raw)
	}
	return a
}

func (w world) steer(path string, body any) {
	w.t.Helper()
	w.Control(w.t, "POST", path, body, nil)
}

type object = map[string]any

var ridPattern = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$`)
