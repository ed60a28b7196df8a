package peer

import (
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // WeChat's signature is SHA-1
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
)

// Ideal signs with nothing around: no allow-list, no limit, no log, no refresh.
// It is the floor that a signer could reach.
type Ideal struct{ appID, ticket string }

// NewIdeal fetches one ticket and keeps it for ever.
func NewIdeal(o Options) (*Ideal, error) {
	var token struct {
		AccessToken string `json:"access_token"`
	}
	query := url.Values{"grant_type": {"client_credential"}, "appid": {o.AppID}, "secret": {o.Secret}}
	if err := get(o.WeChat+"/cgi-bin/token?"+query.Encode(), &token); err != nil {
		return nil, err
	}
	var ticket struct {
		Ticket string `json:"ticket"`
	}
	query = url.Values{"access_token": {token.AccessToken}, "type": {"jsapi"}}
	if err := get(o.WeChat+"/cgi-bin/ticket/getticket?"+query.Encode(), &ticket); err != nil {
		return nil, err
	}
	if ticket.Ticket == "" {
		return nil, errors.New("no ticket")
	}
	return &Ideal{appID: o.AppID, ticket: ticket.Ticket}, nil
}

func get(address string, v any) error {
	response, err := http.Get(address) //nolint:gosec,noctx // a loopback address of the benchmark
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, v)
}

// Ticket is the one that was fetched.
func (i *Ideal) Ticket() string { return i.ticket }

// Sign makes the answer.
func (i *Ideal) Sign(pageURL string) Config { return SignWith(i.appID, i.ticket, pageURL) }

// SignWith signs with a ticket at hand.
func SignWith(appID, ticket, pageURL string) Config {
	now, text := Now()
	nonce := rand.Text()
	raw := make([]byte, 0, 512)
	raw = append(raw, "jsapi_ticket="...)
	raw = append(raw, ticket...)
	raw = append(raw, "&noncestr="...)
	raw = append(raw, nonce...)
	raw = append(raw, "&timestamp="...)
	raw = append(raw, text...)
	raw = append(raw, "&url="...)
	raw = append(raw, pageURL...)
	sum := sha1.Sum(raw) //nolint:gosec // as above
	return Lists(Config{AppID: appID, Timestamp: now, NonceStr: nonce, Signature: hex.EncodeToString(sum[:]), URL: pageURL})
}
