// Package peer is what every server of the comparison shares: its flags, the
// way to the pretended WeChat and the form of the answer. The servers differ
// only in who signs.
package peer

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
)

// Options are the flags of every server.
type Options struct {
	Listen string // address to listen on
	WeChat string // base URL of the pretended WeChat
	Redis  string // address of Redis, "" = the SDK's memory cache
	DSN    string // MySQL, for the server that reads a row per request
	AppID  string
	Secret string
}

// Parse reads the flags.
func Parse() Options {
	var o Options
	flag.StringVar(&o.Listen, "listen", "127.0.0.1:0", "address")
	flag.StringVar(&o.WeChat, "wechat", "", "base URL of the pretended WeChat")
	flag.StringVar(&o.Redis, "redis", "", "address of Redis")
	flag.StringVar(&o.DSN, "dsn", "", "MySQL DSN")
	flag.StringVar(&o.AppID, "app-id", "wx0123456789abcdef", "AppID")
	flag.StringVar(&o.Secret, "secret", "", "AppSecret")
	flag.Parse()
	if o.WeChat != "" {
		http.DefaultTransport = &toSimulator{base: o.WeChat, next: http.DefaultTransport}
	}
	return o
}

// toSimulator sends what an SDK means for api.weixin.qq.com to the simulator,
// for SDKs whose API host cannot be set.
type toSimulator struct {
	base string
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *toSimulator) RoundTrip(r *http.Request) (*http.Response, error) {
	base, err := url.Parse(t.base)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = base.Scheme, base.Host, base.Host
	return t.next.RoundTrip(r)
}

// Config is the answer: the same fields for everybody.
type Config struct {
	AppID       string   `json:"appId"`
	Timestamp   int64    `json:"timestamp"`
	NonceStr    string   `json:"nonceStr"`
	Signature   string   `json:"signature"`
	URL         string   `json:"url"`
	JSAPIList   []string `json:"jsApiList"`
	OpenTagList []string `json:"openTagList"`
	Debug       bool     `json:"debug"`
}

// Lists are the lists of wxsign's default profile.
func Lists(c Config) Config {
	c.JSAPIList = []string{"updateAppMessageShareData", "updateTimelineShareData", "checkJsApi"}
	c.OpenTagList = []string{}
	return c
}

// Constant is an answer as long as everybody's.
var Constant = []byte(`{"appId":"wx0123456789abcdef","timestamp":1414587457,"nonceStr":"Wm3WZYTPz0wzccnW9Qd2kL4s",` +
	`"signature":"0f9de62fce790f9a083d5c99e95740ceb90c27ed","url":"https://h5.example.com/article/20260101?id=42\u0026from=singlemessage",` +
	`"jsApiList":["updateAppMessageShareData","updateTimelineShareData","checkJsApi"],"openTagList":[],"debug":false}`)

// Gin serves a signer in Gin the way people write it.
func Gin(o Options, sign func(c *gin.Context, pageURL string) (any, error)) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/jssdk/config", func(c *gin.Context) {
		answer, err := sign(c, c.Query("url"))
		if err != nil {
			c.JSON(http.StatusInternalServerError, gin.H{"error": err.Error()})
			return
		}
		c.JSON(http.StatusOK, answer)
	})
	Serve(o, engine)
}

// Serve answers until the process is ended.
func Serve(o Options, h http.Handler) {
	server := &http.Server{Addr: o.Listen, Handler: h, ReadHeaderTimeout: 5 * time.Second}
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		Check(err)
	}
}

// Now is the timestamp of a signature, as number and as text.
func Now() (int64, string) {
	now := time.Now().Unix()
	return now, strconv.FormatInt(now, 10)
}

// Must ends the process where a server cannot be made.
func Must[T any](v T, err error) T {
	Check(err)
	return v
}

// Check ends the process where something went wrong.
func Check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
