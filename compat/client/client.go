// Package client lets a test drive an SDK that runs in a process of its own: a
// command per line of standard input, an answer in JSON per line of standard
// output. node/client.js speaks the same.
//
//	token APPID          the access_token that the SDK would use
//	ticket APPID         the jsapi_ticket that it would sign with
//	call APPID           one customer service message
//	storm APPID WORKERS  messages from so many workers at once, until the next line
//
// The commands show what an SDK does with what it is given, its cache included;
// values leave the process as SHA-256 only.
package client

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Official is the host that SDKs have built in.
const Official = "https://api.weixin.qq.com"

// The text message that every SDK sends.
const (
	OpenID  = "OPENID"
	Content = "Hello"
)

// Settings are all that a business server would change in its configuration.
type Settings struct {
	Base  string // wxsign instead of Official; no slash at the end
	AppID string
	Key   string // wxsign's API key instead of the AppSecret
	Redis string // address of the SDK's cache, "" = its memory
}

// SDK is what is asked of each.
type SDK interface {
	Token(ctx context.Context) (string, error)
	Ticket(ctx context.Context) (string, error)
	// Call sends Content to OpenID.
	Call(ctx context.Context) error
}

// Answer is the line that answers a command.
type Answer struct {
	SHA256 string `json:"sha256,omitempty"` // of token or ticket
	// Error is the SDK's, and Errcode the errcode in it if there is one.
	Error   string `json:"error,omitempty"`
	Errcode int    `json:"errcode,omitempty"`
	// Calls of a storm by errcode, and the first few errors without one.
	Calls map[int]int `json:"calls,omitempty"`
	Odd   []string    `json:"odd,omitempty"`
}

// Main reads flags and commands until standard input ends. newSDK makes the SDK
// for one account, once.
func Main(newSDK func(Settings) (SDK, error)) {
	var s Settings
	flag.StringVar(&s.Base, "base", "", "base URL of wxsign")
	flag.StringVar(&s.Key, "key", "", "API key")
	flag.StringVar(&s.Redis, "redis", "", "address of Redis")
	flag.Parse()
	d := &driver{settings: s, newSDK: newSDK, sdks: map[string]SDK{}}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
	}()
	out := json.NewEncoder(os.Stdout)
	for line := range lines {
		if err := out.Encode(d.do(line, lines)); err != nil {
			slog.Error("cannot answer", "err", err)
			return
		}
	}
}

// driver has the SDKs made so far, by account.
type driver struct {
	settings Settings
	newSDK   func(Settings) (SDK, error)
	sdks     map[string]SDK
}

// do carries out one command. next ends a storm.
func (d *driver) do(line string, next <-chan string) Answer {
	words := strings.Fields(line)
	if len(words) < 2 {
		return Answer{Error: "usage: token|ticket|call|storm APPID"}
	}
	sdk, err := d.sdk(words[1])
	if err != nil {
		return failed(err)
	}
	ctx := context.Background()
	switch words[0] {
	case "token":
		return valued(sdk.Token(ctx))
	case "ticket":
		return valued(sdk.Ticket(ctx))
	case "call":
		return failed(sdk.Call(ctx))
	case "storm":
		workers, err := strconv.Atoi(words[len(words)-1])
		if err != nil {
			return failed(err)
		}
		return storm(sdk, workers, next)
	}
	return Answer{Error: "no such command: " + words[0]}
}

func (d *driver) sdk(appID string) (SDK, error) {
	if made, ok := d.sdks[appID]; ok {
		return made, nil
	}
	s := d.settings
	s.AppID = appID
	made, err := d.newSDK(s)
	if err != nil {
		return nil, err
	}
	d.sdks[appID] = made
	return made, nil
}

func valued(value string, err error) Answer {
	if err != nil {
		return failed(err)
	}
	sum := sha256.Sum256([]byte(value))
	return Answer{SHA256: hex.EncodeToString(sum[:])}
}

// errcode finds WeChat's errcode in an SDK's error: each has a form of its own.
var errcode = regexp.MustCompile(`(?i)errcode["']?\s*[:=]\s*(-?\d+)`)

func failed(err error) Answer {
	if err == nil {
		return Answer{}
	}
	a := Answer{Error: err.Error()}
	if found := errcode.FindStringSubmatch(a.Error); found != nil {
		a.Errcode, _ = strconv.Atoi(found[1]) // digits, as the expression says
	}
	return a
}

// maxOdd bounds what a storm tells of errors that nobody foresaw.
const maxOdd = 5

// storm calls from all workers until the next line comes.
func storm(sdk SDK, workers int, next <-chan string) Answer {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-next
		cancel()
	}()
	total := Answer{Calls: map[int]int{}}
	var mu sync.Mutex
	var work sync.WaitGroup
	for range workers {
		work.Go(func() {
			for ctx.Err() == nil {
				one := failed(sdk.Call(context.Background())) // a call that began goes to its end
				mu.Lock()
				total.count(one)
				mu.Unlock()
			}
		})
	}
	work.Wait()
	return total
}

func (a *Answer) count(one Answer) {
	if one.Error != "" && one.Errcode == 0 {
		if len(a.Odd) < maxOdd {
			a.Odd = append(a.Odd, one.Error)
		}
		return
	}
	a.Calls[one.Errcode]++
}

// ToBase is a transport for SDKs that have Official in their code and take an
// *http.Client: what is meant for Official goes to base.
func ToBase(base string) (http.RoundTripper, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("base: %w", err)
	}
	return toBase{u}, nil
}

type toBase struct{ base *url.URL }

// RoundTrip implements http.RoundTripper.
func (t toBase) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme+"://"+r.URL.Host == Official {
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host, r.Host = t.base.Scheme, t.base.Host, t.base.Host
	}
	return http.DefaultTransport.RoundTrip(r)
}
