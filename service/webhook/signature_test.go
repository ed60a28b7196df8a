package webhook_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/webhook"
)

const (
	key  = "0123456789abcdef"
	body = `{"id":"a","type":"credential.renewed"}`
)

var sentAt = time.Unix(1_700_000_000, 0)

// The header by hand: printf '1700000000.%s' "$body" | openssl dgst -sha256 -hmac 0123456789abcdef.
const header = "t=1700000000,v1=1deaf97c0be7593dc65b298f543acf681d890eed2854bfb6280671a30fac9cd0"

func TestVerify(t *testing.T) {
	t.Parallel()
	signed := webhook.Sign(key, sentAt, []byte(body))
	signature := strings.TrimPrefix(signed, "t=1700000000,")
	other := strings.TrimPrefix(webhook.Sign("another secret 16", sentAt, []byte(body)), "t=1700000000,")
	for name, tt := range map[string]struct {
		secret, header, body string
		late                 time.Duration
		want                 error
	}{
		"as sent":                  {header: signed},
		"at the end of its time":   {header: signed, late: 5 * time.Minute},
		"with a clock behind":      {header: signed, late: -5 * time.Minute},
		"with upper case":          {header: strings.ToUpper(signature), want: webhook.ErrSignature}, // no t at all
		"with the hex upper case":  {header: "t=1700000000,v1=" + strings.ToUpper(strings.TrimPrefix(signature, "v1="))},
		"with parts to come":       {header: signed + ",v2=x,zz,=,"},
		"in another order":         {header: signature + ",t=1700000000"},
		"with blanks":              {header: "t=1700000000, " + signature},
		"one of two secrets":       {header: "t=1700000000," + other + "," + signature},
		"replayed later":           {header: signed, late: 5*time.Minute + time.Second, want: webhook.ErrTimestamp},
		"from the future":          {header: signed, late: -5*time.Minute - time.Second, want: webhook.ErrTimestamp},
		"with another secret":      {secret: "fedcba9876543210", header: signed, want: webhook.ErrSignature},
		"without a secret":         {secret: "none", header: signed, want: webhook.ErrSignature},
		"with another body":        {header: signed, body: body + " ", want: webhook.ErrSignature},
		"with another time":        {header: strings.Replace(signed, "t=1700000000", "t=1700000001", 1), want: webhook.ErrSignature},
		"without a header":         {want: webhook.ErrSignature},
		"without a time":           {header: signature, want: webhook.ErrSignature},
		"without a signature":      {header: "t=1700000000", want: webhook.ErrSignature},
		"with two times":           {header: signed + ",t=1700000000", want: webhook.ErrSignature},
		"with a signed time":       {header: strings.Replace(signed, "t=", "t=+", 1), want: webhook.ErrSignature},
		"with a very long time":    {header: strings.Replace(signed, "t=", "t=0000000", 1), want: webhook.ErrSignature},
		"with a short signature":   {header: signed[:len(signed)-2], want: webhook.ErrSignature},
		"with an odd one":          {header: signed[:len(signed)-1] + "g", want: webhook.ErrSignature},
		"with a header for a week": {header: signed + strings.Repeat(",x=y", 300), want: webhook.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secret, text := key, body
			if tt.secret == "none" {
				secret = ""
			} else if tt.secret != "" {
				secret = tt.secret
			}
			if tt.body != "" {
				text = tt.body
			}
			err := webhook.Verify(secret, tt.header, []byte(text), sentAt.Add(tt.late), 5*time.Minute)
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// The form is fixed: receivers in other languages rely on it.
func TestSignIsWhatIsDocumented(t *testing.T) {
	t.Parallel()
	if got := webhook.Sign(key, sentAt, []byte(body)); got != header {
		t.Errorf("%s, want %s", got, header)
	}
}

// An empty secret signs for nobody, whoever made the header.
func TestEmptySecretVerifiesNothing(t *testing.T) {
	t.Parallel()
	if err := webhook.Verify("", webhook.Sign("", sentAt, nil), nil, sentAt, time.Minute); !errors.Is(err, webhook.ErrSignature) {
		t.Errorf("%v", err)
	}
}

// No header but those that Sign makes, in one of their spellings, is taken.
func FuzzVerify(f *testing.F) {
	f.Add(webhook.Sign(key, sentAt, []byte(body)), body, int64(0))
	f.Add("t=1,v1=", "", int64(-1))
	f.Add("t=9223372036854775807,v1="+strings.Repeat("a", 64), "x", int64(1<<40))
	f.Fuzz(func(t *testing.T, header, text string, late int64) {
		now := sentAt.Add(time.Duration(late))
		err := webhook.Verify(key, header, []byte(text), now, time.Minute)
		if err != nil {
			if !errors.Is(err, webhook.ErrSignature) && !errors.Is(err, webhook.ErrTimestamp) {
				t.Errorf("another kind of error: %v", err)
			}
			return
		}
		_, after, _ := strings.Cut(header, "t=")
		digits, _, _ := strings.Cut(after, ",")
		seconds, parseErr := strconv.ParseInt(digits, 10, 64)
		if parseErr != nil {
			t.Fatalf("taken without a time: %q", header)
		}
		_, want, _ := strings.Cut(webhook.Sign(key, time.Unix(seconds, 0), []byte(text)), "v1=")
		if !strings.Contains(strings.ToLower(header), want) {
			t.Errorf("taken: %q", header)
		}
	})
}
