// Package doctor runs the checks that an expert would run, in the order in
// which one thing rests on another: configuration, files, master key, database,
// clocks, WeChat, each account, addresses, the others that are told. Each check
// ends in findings with a verdict and, where something is wrong, the mend.
//
// It changes nothing and disturbs nobody: beside a server that runs it takes no
// lock, and it makes no call to WeChat that could end a token. It never fetches
// a classic token, and a stable one only in normal mode, which answers the
// current one (the page of getStableAccessToken). No finding holds a secret.
package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/wechat"
)

// Verdict says how bad a finding is.
type Verdict string

// The verdicts.
const (
	OK   Verdict = "ok"
	Note Verdict = "note" // not checked, and why; or worth knowing
	Warn Verdict = "warn" // works, and will not for ever
	Fail Verdict = "fail" // does not work
)

// Finding is the end of one check.
type Finding struct {
	Check   string  `json:"check"`             // a stable word: "database", "clock"
	Account string  `json:"account,omitempty"` // AppID, where the check is about one
	Verdict Verdict `json:"verdict"`
	Text    string  `json:"text"`           // what was found
	Mend    string  `json:"mend,omitempty"` // what to do; empty where nothing is wrong
}

// WeChat is what the doctor asks WeChat and WeCom; *wechat.Client is one,
// *wechat.WeCom another.
type WeChat interface {
	Token(ctx context.Context, r wechat.TokenRequest) (wechat.Grant, error)
	Probe(ctx context.Context, token secret.Secret) error
}

// Options of New. All but Version, PurgeEvery, Accounts, Offline, ConfigPath,
// SecretFiles and RootCAs are required.
type Options struct {
	Config config.Config
	// ConfigPath is the configuration file, "" where none was read.
	ConfigPath string
	// SecretFiles are files in which secrets stand, besides that of the master key.
	SecretFiles []string
	// Keyring reads the master keys.
	Keyring func() (*secret.Keyring, error)
	// OpenStore opens the database.
	OpenStore func() (*model.Store, error)
	// ProveKey fails unless the keyring is the one the database was written with.
	ProveKey func(ctx context.Context, store *model.Store, ring *secret.Keyring) error
	WeChat   WeChat
	WeCom    WeChat // for accounts of WeCom
	// SecretPlace, HeldPlace (of an AppSecret that is not in use) and ValuePlace
	// are what stored values are sealed for.
	SecretPlace func(appID string) string
	HeldPlace   func(appID, role string) string
	ValuePlace  func(appID, kind, publishID string) string
	// RedisTLS is how the Redis is reached; nil = without TLS.
	RedisTLS func() (*tls.Config, error)
	// RootCAs verify the certificates of the other servers; nil = the system's.
	RootCAs *x509.CertPool
	// Version is that of this program, as replicas note theirs.
	Version string
	// Fingerprint tells these settings and keys from those of another replica.
	Fingerprint func(*secret.Keyring) (string, error)
	// AlertWords are what happened and what to do, in English.
	AlertWords func(model.Alert) (what, do string)
	// Receiver is how people know a channel of the outbox.
	Receiver func(channel string) string
	// PurgeEvery is the longest time between two deletions of old history.
	PurgeEvery time.Duration
	// Accounts are the AppIDs to look at; none = all.
	Accounts []string
	// Offline leaves out all that would leave this machine but the database.
	Offline bool
	// Found is told of each finding at once.
	Found func(Finding)
}

// Doctor runs the checks.
type Doctor struct {
	Options

	store   *model.Store    // nil until it answered
	ring    *secret.Keyring // nil until it was read
	nowMs   int64           // the database's clock
	serving []model.Replica // those that live
	weChat  issuer
	weCom   issuer
}

// New checks the options.
func New(o Options) (*Doctor, error) {
	if o.Keyring == nil || o.OpenStore == nil || o.ProveKey == nil || o.WeChat == nil || o.WeCom == nil ||
		o.SecretPlace == nil || o.HeldPlace == nil || o.ValuePlace == nil || o.RedisTLS == nil ||
		o.Fingerprint == nil || o.AlertWords == nil || o.Receiver == nil || o.Found == nil {
		return nil, errors.New("doctor: Keyring, OpenStore, ProveKey, WeChat, WeCom, SecretPlace, HeldPlace, ValuePlace, RedisTLS, Fingerprint, AlertWords, Receiver and Found are required")
	}
	return &Doctor{Options: o, weChat: issuer{WeChat: o.WeChat, name: "WeChat"}, weCom: issuer{WeChat: o.WeCom, name: "WeCom"}}, nil
}

// checkTimeout bounds one question to anybody.
const checkTimeout = 5 * time.Second

// Run makes all checks. What rests on something that failed is not tried.
func (d *Doctor) Run(ctx context.Context) {
	d.checkFiles()
	d.checkMasterKey()
	d.checkDatabase(ctx)
	if d.store != nil {
		defer func() { _ = d.store.Close() }() // it was only read
		d.checkSealed(ctx)
		d.checkReplicas(ctx)
		d.checkAlerts(ctx)
	}
	d.checkWeChat(ctx)
	if d.store != nil {
		looked, all := d.checkAccounts(ctx)
		d.checkBudgets(ctx, looked, all)
	}
	d.checkListeners(ctx)
	d.checkPublicURL(ctx)
	d.checkOutputs(ctx)
	if d.store != nil {
		d.checkDeliveries(ctx)
		d.checkHistory(ctx)
	}
}

// asked reports whether an account is one to look at.
func (d *Doctor) asked(appID string) bool {
	return len(d.Accounts) == 0 || slices.Contains(d.Accounts, appID)
}

func (d *Doctor) ok(check, format string, args ...any) {
	d.Found(Finding{Check: check, Verdict: OK, Text: fmt.Sprintf(format, args...)})
}

func (d *Doctor) note(check, format string, args ...any) {
	d.Found(Finding{Check: check, Verdict: Note, Text: fmt.Sprintf(format, args...)})
}

func (d *Doctor) warn(check, text, mend string) {
	d.Found(Finding{Check: check, Verdict: Warn, Text: text, Mend: mend})
}

func (d *Doctor) fail(check, text, mend string) {
	d.Found(Finding{Check: check, Verdict: Fail, Text: text, Mend: mend})
}
