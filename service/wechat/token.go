package wechat

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/wxsign/wxsign/service/secret"
)

// Mode says which of WeChat's two separate token chains an account uses.
type Mode string

const (
	// Stable is POST /cgi-bin/stable_token: repeated calls give the same token
	// until its last 5 minutes, so a call too many does no harm.
	// https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/getStableAccessToken.html
	Stable Mode = "stable"
	// Classic is GET /cgi-bin/token: every call makes a new token, and the one
	// before it dies 5 minutes later.
	// https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Get_access_token.html
	Classic Mode = "classic"
)

// TokenRequest asks for an access_token.
type TokenRequest struct {
	AppID  string
	Secret secret.Secret // the AppSecret
	Mode   Mode          // Stable if empty
	// Force makes WeChat drop the current token: at most 20 a day, the second
	// of two within 30 s has no effect. Stable mode only: in classic mode every
	// call does so, and asking for it is an error.
	Force bool
}

// Grant is a credential from WeChat: an access_token or a ticket.
type Grant struct {
	Value secret.Secret
	// ExpiresIn is the life left when WeChat answered, 1 s to 2 h. A token
	// from stable_token may come with less than 2 h; a ticket always says 2 h,
	// also when it is an old one (observed).
	ExpiresIn time.Duration
}

// Token fetches an access_token. Errors are *Error; at this endpoint 40001
// means a wrong AppSecret and is NeedsHuman.
func (c *Client) Token(ctx context.Context, r TokenRequest) (Grant, error) {
	build := stableCall
	if r.Mode == Classic {
		build = classicCall
	}
	call := build(r)
	call.appID, call.secret = r.AppID, r.Secret
	if err := r.check(); err != nil {
		return Grant{}, call.fail(0, err)
	}
	return c.grant(ctx, call, "access_token")
}

func (r TokenRequest) check() error {
	switch {
	case r.Mode != "" && r.Mode != Stable && r.Mode != Classic:
		return fmt.Errorf("%w: unknown token mode %q", ErrRequest, string(r.Mode))
	case r.AppID == "":
		return fmt.Errorf("%w: the AppID is empty", ErrRequest)
	case r.Secret.IsZero():
		return fmt.Errorf("%w: the AppSecret is empty", ErrRequest)
	case r.Mode == Classic && r.Force:
		return fmt.Errorf("%w: classic mode has no force", ErrRequest)
	}
	return nil
}

func stableCall(r TokenRequest) call {
	// A struct of strings and a bool always marshals.
	body, _ := json.Marshal(struct {
		GrantType    string `json:"grant_type"`
		AppID        string `json:"appid"`
		Secret       string `json:"secret"`
		ForceRefresh bool   `json:"force_refresh"`
	}{"client_credential", r.AppID, r.Secret.Reveal(), r.Force})
	return call{
		op: opStableToken, method: http.MethodPost, path: "/cgi-bin/stable_token",
		body: body, repeatable: !r.Force,
	}
}

func classicCall(r TokenRequest) call {
	return call{
		op: opToken, method: http.MethodGet, path: "/cgi-bin/token",
		query: url.Values{
			"grant_type": {"client_credential"},
			"appid":      {r.AppID},
			"secret":     {r.Secret.Reveal()},
		},
	}
}
