package signature_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/snapshot"
)

func TestNewChecksItsOptions(t *testing.T) {
	t.Parallel()
	if _, err := signature.New(signature.Options{}); err == nil {
		t.Error("a signer without accounts was made")
	}
}

// everyCase is a table with one account for each way to be refused.
func everyCase(t testing.TB) *snapshot.Table {
	t.Helper()
	table := snapshot.NewTable()
	disabled := account(t, "wx-disabled", "disabled.example.com", "both.example.com")
	disabled.Enabled = false
	noTicket := account(t, "wx-no-ticket", "no-ticket.example.com")
	noTicket.Tickets = []string{snapshot.KindWXCard}
	cards := account(t, "wx-cards", "cards.example.com")
	cards.Tickets = []string{snapshot.KindWXCard, snapshot.KindJSAPI}
	twice := account(t, "wx-twice", "twice.example.com", "*.example.com:8443", "twice.example.com/a", "twice.example.com:8443")
	plain := account(t, "wx-http", "plain.example.com")
	plain.AllowHTTP = true
	table.PutAccounts(
		account(t, appID, "h5.example.com", "both.example.com", "path.example.com/shop", "shared.example.com", "x.star.example.com"),
		account(t, "wx-other", "other.example.com", "path.example.com/other", "shared.example.com", "*.star.example.com"),
		account(t, "wx-empty", "empty.example.com"), account(t, "wx-expired", "expired.example.com"),
		disabled, noTicket, cards, twice, plain,
	)
	live := time.Now().Add(time.Hour)
	for _, id := range []string{appID, "wx-other", "wx-disabled", "wx-no-ticket", "wx-twice", "wx-http"} {
		table.PutCredential(id, ticket(officialTicket, live))
	}
	table.PutCredential("wx-expired", ticket(officialTicket, time.Now().Add(-time.Second)))
	card := ticket("card-ticket", live)
	card.Kind = snapshot.KindWXCard
	table.PutCredential("wx-cards", card)
	return table
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	signer := signerOn(t, everyCase(t))
	const page, off = "https://h5.example.com/", "https://disabled.example.com/"
	for name, row := range map[string]struct {
		request signature.Request
		want    error
	}{
		"no url":                    {signature.Request{AppID: appID}, pageurl.ErrMissing},
		"url is none":               {signature.Request{URL: "/", AppID: appID}, pageurl.ErrInvalid},
		"url too long":              {signature.Request{URL: page + strings.Repeat("a", 2048)}, pageurl.ErrTooLong},
		"escaped":                   {signature.Request{URL: page + "?a&amp;b"}, pageurl.ErrEscapedHTML},
		"encoded twice":             {signature.Request{URL: "https%3A%2F%2Fh5.example.com"}, pageurl.ErrDoubleEncoded},
		"app id unknown":            {signature.Request{URL: page, AppID: "wx-nobody"}, signature.ErrAccountUnknown},
		"app id in capitals":        {signature.Request{URL: page, AppID: strings.ToUpper(appID)}, signature.ErrAccountUnknown},
		"disabled":                  {signature.Request{URL: off, AppID: "wx-disabled"}, signature.ErrAccountDisabled},
		"disabled, found by domain": {signature.Request{URL: off}, signature.ErrAccountDisabled},
		"other's domain":            {signature.Request{URL: "https://other.example.com/", AppID: appID}, signature.ErrDomainNotAllowed},
		"nobody's domain":           {signature.Request{URL: "https://evil.example/"}, signature.ErrDomainNotAllowed},
		"http":                      {signature.Request{URL: "http://h5.example.com/"}, signature.ErrDomainNotAllowed},
		"other port":                {signature.Request{URL: "https://h5.example.com:8443/a", AppID: appID}, signature.ErrDomainNotAllowed},
		"outside the path":          {signature.Request{URL: "https://path.example.com/"}, signature.ErrDomainNotAllowed},
		"two accounts":              {signature.Request{URL: "https://shared.example.com/"}, signature.ErrAccountAmbiguous},
		"host and star":             {signature.Request{URL: "https://x.star.example.com/"}, signature.ErrAccountAmbiguous},
		"profile":                   {signature.Request{URL: page, Profile: "none"}, signature.ErrProfileUnknown},
		"profile in capitals":       {signature.Request{URL: page, Profile: "Default"}, signature.ErrProfileUnknown},
		"kind unknown":              {signature.Request{URL: page, Kind: "none"}, signature.ErrTicketNotConfigured},
		"kind of cards":             {signature.Request{URL: "https://cards.example.com/", Kind: snapshot.KindWXCard}, signature.ErrTicketNotConfigured},
		"kind is the token":         {signature.Request{URL: page, Kind: snapshot.KindAccessToken}, signature.ErrTicketNotConfigured},
		"no jsapi ticket kept":      {signature.Request{URL: "https://no-ticket.example.com/"}, signature.ErrTicketNotConfigured},
		"no ticket yet":             {signature.Request{URL: "https://empty.example.com/"}, signature.ErrTicketNotReady},
		"only a card ticket":        {signature.Request{URL: "https://cards.example.com/"}, signature.ErrTicketNotReady},
		"expired":                   {signature.Request{URL: "https://expired.example.com/"}, signature.ErrTicketNotReady},

		// which of two faults is told
		"url before app id":      {signature.Request{URL: "", AppID: "wx-nobody"}, pageurl.ErrMissing},
		"disabled before domain": {signature.Request{URL: page, AppID: "wx-disabled"}, signature.ErrAccountDisabled},
		"domain before profile":  {signature.Request{URL: "https://evil.example/", AppID: appID, Profile: "none"}, signature.ErrDomainNotAllowed},
		"profile before kind":    {signature.Request{URL: page, Profile: "none", Kind: "none"}, signature.ErrProfileUnknown},
		"profile before ticket":  {signature.Request{URL: "https://empty.example.com/", Profile: "none"}, signature.ErrProfileUnknown},
		"kind before ticket":     {signature.Request{URL: "https://empty.example.com/", Kind: "none"}, signature.ErrTicketNotConfigured},
	} {
		config, err := signer.Config(row.request)
		if !errors.Is(err, row.want) || !cmp.Equal(config, signature.Config{}) {
			t.Errorf("%s: %+v, %v; want %v", name, config, err, row.want)
		}
		if err != nil && strings.Contains(err.Error(), officialTicket) {
			t.Errorf("%s: the error tells the ticket", name)
		}
	}
}

func TestConfigFindsTheAccount(t *testing.T) {
	t.Parallel()
	signer := signerOn(t, everyCase(t))
	for name, row := range map[string]struct {
		request signature.Request
		want    string
	}{
		"by domain":                    {signature.Request{URL: "https://h5.example.com/"}, appID},
		"by app id":                    {signature.Request{URL: "https://h5.example.com/", AppID: appID}, appID},
		"kind said":                    {signature.Request{URL: "https://h5.example.com/", Kind: snapshot.KindJSAPI}, appID},
		"profile said":                 {signature.Request{URL: "https://h5.example.com/", Profile: "default"}, appID},
		"by path":                      {signature.Request{URL: "https://path.example.com/shop/1"}, appID},
		"by the other path":            {signature.Request{URL: "https://path.example.com/other"}, "wx-other"},
		"by the star":                  {signature.Request{URL: "https://y.star.example.com/"}, "wx-other"},
		"shared, app id said":          {signature.Request{URL: "https://shared.example.com/", AppID: "wx-other"}, "wx-other"},
		"the other one is disabled":    {signature.Request{URL: "https://both.example.com/"}, appID},
		"several entries, one account": {signature.Request{URL: "https://twice.example.com/a"}, "wx-twice"},
		"host and star, one account":   {signature.Request{URL: "https://twice.example.com:8443/"}, "wx-twice"},
		"http allowed":                 {signature.Request{URL: "http://plain.example.com/"}, "wx-http"},
	} {
		config, err := signer.Config(row.request)
		if err != nil || config.AppID != row.want {
			t.Errorf("%s: %q, %v; want %q", name, config.AppID, err, row.want)
		}
	}
}

// What was signed is what came in: the browser's spelling, not ours.
func TestConfigSignsByteForByte(t *testing.T) {
	t.Parallel()
	signer, _ := ready(t, "h5.example.com", "商店.example.com")
	for _, page := range []string{
		"https://h5.example.com",
		"https://h5.example.com/",
		"HTTPS://H5.Example.Com:443/A?",
		"https://h5.example.com/%e5%88%86%E4%BA%AB?x=中&y=a%20b+c",
		"https://h5.example.com/?from=singlemessage&isappinstalled=0",
		"https://h5.example.com/?a=%zz|{}",
		"https://商店.example.com/",
	} {
		for _, fragment := range []string{"", "#", "#/a#b?c"} {
			config, err := signer.Config(signature.Request{URL: page + fragment})
			if err != nil {
				t.Errorf("%s: %v", page+fragment, err)
				continue
			}
			if config.URL != page {
				t.Errorf("%s: signed %s", page+fragment, config.URL)
			}
			if want := signature.Sign(secret.New(officialTicket), config.NonceStr, config.Timestamp, page); config.Signature != want {
				t.Errorf("%s: signature %s, want %s", page, config.Signature, want)
			}
		}
	}
	const escaped = "https://h5.example.com/?a=1&amp;b=2"
	if config, err := signer.Config(signature.Request{URL: escaped, Exact: true}); err != nil || config.URL != escaped {
		t.Errorf("exact: %q, %v", config.URL, err)
	}
}

func TestConfigAsJSON(t *testing.T) {
	t.Parallel()
	table := snapshot.NewTable()
	a := account(t, appID, "h5.example.com")
	a.Profiles["live"] = snapshot.Profile{JSAPIList: []string{"scanQRCode"}, OpenTagList: []string{"wx-open-launch-app"}, Debug: true}
	table.PutAccounts(a)
	now := time.Now()
	table.PutCredential(appID, ticket(officialTicket, now.Add(time.Hour)))
	signer, err := signature.New(signature.Options{Accounts: table, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	config, err := signer.Config(signature.Request{URL: "https://h5.example.com/?a=1&b=2", Profile: "live"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"appId":%q,"timestamp":%d,"nonceStr":%q,"signature":%q,"url":"https://h5.example.com/?a=1\u0026b=2",`+
		`"jsApiList":["scanQRCode"],"openTagList":["wx-open-launch-app"],"debug":true}`, appID, now.Unix(), config.NonceStr, config.Signature)
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
}

// The nonce carries 128 bits or more in letters and digits, and comes once.
func TestNonce(t *testing.T) {
	t.Parallel()
	signer, _ := ready(t, "h5.example.com")
	form := regexp.MustCompile(`^[0-9A-Za-z]{16,32}$`)
	seen := map[string]bool{}
	letters := map[rune]bool{}
	for range 2000 {
		config, err := signer.Config(signature.Request{URL: "https://h5.example.com/"})
		if err != nil {
			t.Fatal(err)
		}
		if nonce := config.NonceStr; !form.MatchString(nonce) || seen[nonce] {
			t.Fatalf("nonce %q: not of the form %s, or not new", nonce, form)
		}
		seen[config.NonceStr] = true
		for _, r := range config.NonceStr {
			letters[r] = true
		}
		// 5 bits a character is what base32 carries.
		if len(config.NonceStr)*5 < 128 {
			t.Fatalf("nonce %q is too short for 128 bits", config.NonceStr)
		}
	}
	if len(letters) < 32 {
		t.Errorf("only %d different characters in 2000 nonces", len(letters))
	}
}

// A ticket serves to its very end, and not a nanosecond longer.
func TestNoSignatureAtTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := snapshot.NewTable()
		table.PutAccounts(account(t, appID, "h5.example.com"))
		signer := signerOn(t, table)
		request := signature.Request{URL: "https://h5.example.com/"}
		const life = 2 * time.Hour
		table.PutCredential(appID, ticket("first", time.Now().Add(life)))

		time.Sleep(life - time.Nanosecond)
		if _, err := signer.Config(request); err != nil {
			t.Errorf("a nanosecond before the end: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if config, err := signer.Config(request); !errors.Is(err, signature.ErrTicketNotReady) {
			t.Errorf("at the deadline: %+v, %v", config, err)
		}
		time.Sleep(24 * time.Hour)
		if config, err := signer.Config(request); !errors.Is(err, signature.ErrTicketNotReady) {
			t.Errorf("a day later: %+v, %v", config, err)
		}
		table.PutCredential(appID, ticket("second", time.Now().Add(life)))
		config, err := signer.Config(request)
		if want := signature.Sign(secret.New("second"), config.NonceStr, time.Now().Unix(), config.URL); err != nil || config.Signature != want {
			t.Errorf("after the renewal: %+v, %v", config, err)
		}
		table.PutCredential(appID, snapshot.Credential{Kind: snapshot.KindJSAPI, Deadline: time.Now().Add(life)})
		if config, err := signer.Config(request); !errors.Is(err, signature.ErrTicketNotReady) {
			t.Errorf("an empty ticket: %+v, %v", config, err)
		}
	})
}

func TestAllowsOrigin(t *testing.T) {
	t.Parallel()
	table := snapshot.NewTable()
	plain := account(t, "wx-http", "plain.example.com", "127.0.0.1:8080")
	plain.AllowHTTP = true
	off := account(t, "wx-off", "off.example.com")
	off.Enabled = false
	domains := []string{"h5.example.com", "*.star.example.com", "port.example.com:8443", "path.example.com/shop", "商店.example.com", "[::1]"}
	table.PutAccounts(account(t, appID, domains...), plain, off)
	signer := signerOn(t, table)
	for origin, want := range map[string]bool{
		"https://h5.example.com":         true,
		"https://a.b.star.example.com":   true,
		"https://port.example.com:8443":  true,
		"https://path.example.com":       true, // an origin has no path
		"https://xn--czrs0t.example.com": true,
		"https://[::1]":                  true,
		"http://plain.example.com":       true,
		"https://plain.example.com":      true,
		"http://127.0.0.1:8080":          true,
		"https://off.example.com":        true, // its pages shall read account_disabled

		"":                             false,
		"null":                         false,
		"*":                            false,
		"https://*":                    false,
		"https://evil.example":         false,
		"https://evil-h5.example.com":  false,
		"https://h5.example.com.evil":  false,
		"https://star.example.com":     false,
		"https://h5.example.com/":      false,
		"https://h5.example.com/shop":  false,
		"https://h5.example.com?":      false,
		"https://h5.example.com#":      false,
		"https://h5.example.com:8443":  false,
		"https://h5.example.com:80":    false,
		"https://port.example.com":     false,
		"https://port.example.com:443": false,
		"https://H5.example.com":       false,
		"HTTPS://h5.example.com":       false,
		"http://h5.example.com":        false,
		"http://127.0.0.1":             false,
		"h5.example.com":               false,
		"//h5.example.com":             false,
		"https://商店.example.com":       false, // browsers send punycode
		"https://[0::1]":               false,
		"https://h5.example.com, https://evil.example": false,
		"https://h5.example.com https://evil.example":  false,
		"https://evil@h5.example.com":                  false,
		"file://":                                      false,
		"chrome-extension://h5.example.com":            false,
		"https://h5.example.com\x00":                   false,
	} {
		if got := signer.AllowsOrigin(origin); got != want {
			t.Errorf("%q: %t, want %t", origin, got, want)
		}
	}
}

// Readers and writers at once: every signature is one of a ticket that was
// published, for the account that was asked. Meant for the race detector.
func TestConfigWhileTicketsChange(t *testing.T) {
	t.Parallel()
	signer, table := ready(t, "h5.example.com")
	const tickets, readers, signatures = 200, 8, 500
	published := func(i int) string { return fmt.Sprintf("ticket-%d", i) }
	table.PutCredential(appID, ticket(published(0), time.Now().Add(time.Hour)))
	var group sync.WaitGroup
	group.Go(func() {
		for i := range tickets {
			table.PutCredential(appID, ticket(published(i), time.Now().Add(time.Hour)))
			table.PutAccounts(account(t, appID, "h5.example.com"), account(t, fmt.Sprint("wx-", i), fmt.Sprint(i, ".example.com")))
		}
	})
	for range readers {
		group.Go(func() {
			newest := 0 // a reader never goes back to an older ticket
			for range signatures {
				config, err := signer.Config(signature.Request{URL: "https://h5.example.com/"})
				if err != nil {
					t.Error(err)
					return
				}
				made := func(i int) string {
					return signature.Sign(secret.New(published(i)), config.NonceStr, config.Timestamp, config.URL)
				}
				for newest < tickets && made(newest) != config.Signature {
					newest++
				}
				if newest == tickets {
					t.Error("a signature that none of the tickets made, or an older one after a newer")
					return
				}
			}
		})
	}
	group.Wait()
}
