package main_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wxsign/wxsign/service/publish/redistest"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/simulator/simtest"
)

// lives are the seconds that are left of what the SDKs get: fresh, below the 25
// minutes that some take off, below the 5 that others do, and at the end.
var lives = []int{7000, 1400, 290, 5} // never changed

func lifeApp(life int) string { return fmt.Sprintf("wxlife%012d", life) }

// handed are the SHA-256 of what WeChat handed out, by account and command.
type handed map[string]map[string]bool

func (h handed) add(life int, command, value string) {
	name := command + " " + lifeApp(life)
	if h[name] == nil {
		h[name] = map[string]bool{}
	}
	sum := sha256.Sum256([]byte(value))
	h[name][hex.EncodeToString(sum[:])] = true
}

// Each SDK gets token and ticket from wxsign and sends a call through it, with
// whatever life is left. What it does then with its cache stands in docs/sdk.md.
func TestSDKsAtEveryRemainingLife(t *testing.T) {
	t.Parallel()
	sim, known := startLives(t)
	s, key := serveLives(t, sim)
	store := redistest.Start(t)
	for name, tt := range map[string]struct {
		sdk     string
		redis   bool
		refuses map[int]string // by life: what the SDK says instead
	}{
		"PowerWeChat":           {sdk: "powerwechat"},
		"PowerWeChat and Redis": {sdk: "powerwechat", redis: true},
		"silenceper":            {sdk: "silenceper"},
		"silenceper and Redis": {sdk: "silenceper", redis: true, refuses: map[int]string{
			1400: "invalid expire time", 290: "invalid expire time", 5: "invalid expire time",
		}},
		"chanxuehong":   {sdk: "chanxuehong", refuses: map[int]string{5: "expires_in too small"}},
		"co-wechat-api": {sdk: "co-wechat-api"},
		"wechat-api":    {sdk: "wechat-api"},
		"wechat-jssdk":  {sdk: "wechat-jssdk"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"--base", s.listen, "--key", key}
			if tt.redis {
				args = append(args, "--redis", store.Addr())
			}
			c := startSDK(t, tt.sdk, args...)
			for _, life := range lives {
				for range 2 { // the second time it may have them still
					checkLife(t, c, known, life, tt.refuses[life])
				}
			}
			if tt.redis && tt.sdk == "powerwechat" {
				checkKeptTickets(t, store.Addr())
			}
		})
	}
	t.Cleanup(func() { // after the parallel tests
		if text := s.log.String(); strings.Contains(text, key) || strings.Contains(text, demoSecret) {
			t.Error("a secret is in the log")
		}
	})
}

// checkLife holds what one SDK gets for the account with so many seconds left.
func checkLife(t *testing.T, c *sdk, known handed, life int, refusal string) {
	t.Helper()
	for _, command := range []string{"token", "ticket", "call"} {
		var a sdkAnswer
		ended := func() bool {
			a = c.ask(command, lifeApp(life))
			if refusal != "" {
				return strings.Contains(a.Error, refusal)
			}
			return a.Error == ""
		}
		// Until WeChat's first answer is here, and between two lives of five
		// seconds, there is nothing to give out.
		deadline := time.Now().Add(sdkTime)
		for !ended() && (life < 60 || strings.Contains(a.Error, "no live")) && time.Now().Before(deadline) {
			time.Sleep(100 * time.Millisecond)
		}
		values := known[command+" "+lifeApp(life)]
		if refusal != "" && !strings.Contains(a.Error, refusal) || refusal == "" && (a.Error != "" || values != nil && !values[a.SHA256]) {
			t.Errorf("%s with %d s left: %s %+v; to be refused with %q", c.name, life, command, a, refusal)
		}
	}
}

// checkKeptTickets holds a warning of docs/sdk.md: PowerWeChat keeps a ticket
// with less than 500 s to live for ever.
func checkKeptTickets(t *testing.T, addr string) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer func() { _ = client.Close() }()
	for _, life := range lives {
		ttl, err := client.TTL(t.Context(), "powerwechat.basic_service.jssdk.ticket.jsapi."+lifeApp(life)).Result()
		if forever := ttl == -1; err != nil || forever != (life < 500) {
			t.Errorf("a ticket with %d s left is kept for %s, %v", life, ttl, err)
		}
	}
}

// startLives pretends WeChat with an account for each life. Whatever it hands out
// has so many seconds left, and lives for two hours in truth: no run is too slow.
func startLives(t *testing.T) (*simtest.Server, handed) {
	t.Helper()
	var accounts []simulator.Account
	for _, life := range lives {
		accounts = append(accounts, simulator.Account{AppID: lifeApp(life), Secret: demoSecret})
	}
	sim, known := simtest.Start(t, simulator.Options{Accounts: accounts}), handed{}
	for _, life := range lives {
		var got struct {
			Token  string `json:"access_token"`
			Ticket string `json:"ticket"`
		}
		sim.Control(t, http.MethodPost, stable, map[string]any{
			"grant_type": "client_credential", "appid": lifeApp(life), "secret": demoSecret,
		}, &got)
		known.add(life, "token", got.Token)
		answer(t, sim, fixed{stable, life, -1}, map[string]any{"access_token": got.Token})
		if life >= 60 {
			sim.Control(t, http.MethodGet, getticket+"?type=jsapi&access_token="+got.Token, nil, &got)
			ticket(t, sim, known, fixed{life: life, count: -1}, got.Ticket)
			continue
		}
		// The same ticket again would have no new life (observed). A new one is
		// asked for every two seconds or so: enough for the slowest run.
		for range 100 {
			ticket(t, sim, known, fixed{life: life, count: 1}, rand.Text())
		}
	}
	return sim, known
}

const stable, getticket = "/cgi-bin/stable_token", "/cgi-bin/ticket/getticket"

// fixed says which calls WeChat answers alike: the next count, -1 = all.
type fixed struct {
	path        string
	life, count int
}

func ticket(t *testing.T, sim *simtest.Server, known handed, f fixed, value string) {
	t.Helper()
	known.add(f.life, "ticket", value)
	f.path = getticket
	answer(t, sim, f, map[string]any{"errcode": 0, "errmsg": "ok", "ticket": value})
}

func answer(t *testing.T, sim *simtest.Server, f fixed, body map[string]any) {
	t.Helper()
	body["expires_in"] = f.life
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	sim.Control(t, http.MethodPost, "/_sim/fault", map[string]any{
		"path": f.path, "app_id": lifeApp(f.life), "mode": "body", "body": string(text), "count": f.count,
	}, nil)
}

// serveLives serves all accounts, and makes a key for them.
func serveLives(t *testing.T, sim *simtest.Server) (s *server, key string) {
	t.Helper()
	var config bytes.Buffer
	var names []string
	for _, life := range lives {
		names = append(names, lifeApp(life))
		fmt.Fprintf(&config, "[[account]]\napp_id = %q\nsecret = %q\ndomains = [\"h5.example.com\"]\n", lifeApp(life), demoSecret)
	}
	p := newPlace(t, config.String(), "WXSIGN_DATABASE_DRIVER=sqlite", "WXSIGN_DATABASE_DSN="+filepath.Join(t.TempDir(), "wxsign.db"),
		"WXSIGN_WECHAT_BASE_URL="+sim.URL, "WXSIGN_SECURITY_MASTER_KEY="+newKey(t),
		"WXSIGN_REFRESH_SCAN=@every 1s", "WXSIGN_REFRESH_MIN_INTERVAL=1s")
	return p.startReady(t), sdkKey(t, p, names...)
}
