package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/snapshot"
)

func signCommand(ctx context.Context, env Env, args []string) error {
	flags := newFlags(env, "wxsign sign", "--app-id A --url U [--profile P]", "signs a page URL with the stored ticket and prints the JSON of /jssdk/config.\nIt renews nothing: a wxsign must be serving on the same database.\n")
	request := signature.Request{Exact: true}
	flags.StringVar(&request.AppID, "app-id", "", "the account's `AppID`; empty where one account serves the page")
	flags.StringVar(&request.URL, "url", "", "the page `URL` as location.href shows it")
	flags.StringVar(&request.Profile, "profile", "", "the `name` of the profile")
	flags.StringVar(&request.Kind, "kind", "", "the `ticket` that signs: jsapi, or agent_config of WeCom")
	if err := parseRequired(flags, args, "url"); err != nil {
		return err
	}
	return withStored(ctx, env, func(p *program) error {
		signer, err := signature.New(signature.Options{Accounts: p.table})
		if err != nil {
			return err
		}
		config, err := signer.Config(request)
		if errors.Is(err, signature.ErrTicketNotReady) {
			return errNobodyServes
		}
		if err != nil {
			return err
		}
		encoder := json.NewEncoder(env.Stdout)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(config.Answer())
	})
}

func verifyCommand(ctx context.Context, env Env, args []string) error {
	flags := newFlags(env, "wxsign verify", "--app-id A --url U --nonce-str N --timestamp T --signature S", "explains a signature that WeChat refused: what it really was made of, and the mend.\nExit code 1 where the signature is wrong.\n")
	var used signature.Used
	appID := flags.String("app-id", "", "the account's `AppID`")
	flags.StringVar(&used.URL, "url", "", "the page `URL` as location.href shows it")
	flags.StringVar(&used.NonceStr, "nonce-str", "", "the nonceStr `text` given to wx.config")
	flags.StringVar(&used.Timestamp, "timestamp", "", "the timestamp in `seconds` given to wx.config")
	flags.StringVar(&used.Signature, "signature", "", "the signature, 40 `hex` digits")
	if err := parseRequired(flags, args, "app-id", "url", "nonce-str", "timestamp", "signature"); err != nil {
		return err
	}
	return withStored(ctx, env, func(p *program) error {
		view, found := p.table.Lookup(*appID)
		if !found {
			return signature.ErrAccountUnknown
		}
		jsapi, others, err := tickets(view)
		if err != nil {
			return err
		}
		return printExplanation(env, used, signature.Explain(used, jsapi, others))
	})
}

// errSignatureWrong makes the exit code 1; the explanation stands on stdout.
var errSignatureWrong = errors.New("the signature is wrong")

func printExplanation(env Env, used signature.Used, e signature.Explanation) error {
	if e.Right {
		_, err := fmt.Fprintln(env.Stdout, "The signature is right for this URL with the ticket that is live now.\nIf WeChat still says `invalid signature`, the page is open at another URL than this one: compare with realAuthUrl in the error.")
		return err
	}
	say(env.Stdout, "%s\n\nsignature given     %s\n", e.Mistake, used.Signature)
	if e.Expected != "" {
		say(env.Stdout, "right for this URL  %s\n", e.Expected)
	}
	if e.Signed != "" {
		say(env.Stdout, "what was signed     %s\n", e.Signed)
	}
	return errSignatureWrong
}

// errNobodyServes is what is most likely where a command finds no live ticket.
var errNobodyServes = fmt.Errorf("%w: is a wxsign serving on this database? Its log and /readyz say what is wrong", signature.ErrTicketNotReady)

// tickets are the live tickets of an account: jsapi, and what is mistaken for it by
// kind, the access_token too.
func tickets(view *snapshot.View) (jsapi secret.Secret, others map[string]secret.Secret, err error) {
	others = map[string]secret.Secret{}
	for _, kind := range append([]string{snapshot.KindAccessToken}, view.Account.Tickets...) {
		ticket, found := view.Credential(kind)
		switch {
		case !found || !ticket.Live(time.Now()):
		case kind == snapshot.KindJSAPI:
			jsapi = ticket.Value
		default:
			others[kind] = ticket.Value
		}
	}
	if jsapi.IsZero() {
		return jsapi, nil, errNobodyServes
	}
	return jsapi, others, nil
}

// withStored lends a program that has loaded what the database holds.
func withStored(ctx context.Context, env Env, use func(*program) error) (err error) {
	c, _, err := loadConfig(env)
	if err != nil {
		return err
	}
	p := &program{config: c, log: newLogger(c.Log, env.Stderr), table: snapshot.NewTable()}
	if p.ring, err = loadKeyring(c); err != nil {
		return err
	}
	if p.store, err = openStore(c, p.log); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.store.Close()) }()
	if err = p.store.CheckSchema(ctx); err != nil {
		return err
	}
	checks, err := p.store.KeyChecks(ctx)
	if err == nil {
		err = proveMasterKey(checks, p.ring)
	}
	if err != nil {
		return err
	}
	if err = p.buildKeeper(); err != nil {
		return err
	}
	if _, err = p.keeper.Load(ctx); err != nil {
		return err
	}
	return use(p)
}

// parseRequired parses flags of which the named ones must be given.
func parseRequired(flags *flag.FlagSet, args []string, required ...string) error {
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	for _, name := range required {
		if flags.Lookup(name).Value.String() == "" {
			return usageError{fmt.Sprintf("%s: --%s is missing", flags.Name(), name)}
		}
	}
	return noArguments(flags)
}
