package handler

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/signature"
)

// signOrder is what a caller wants signed.
type signOrder struct {
	Kind string `json:"kind"`
	// of jsapi and agent_config
	URL     string `json:"url"`
	Profile string `json:"profile"`
	// of add_card and choose_card
	CardID     string `json:"card_id"`
	Code       string `json:"code"`
	OpenID     string `json:"openid"`
	CardType   string `json:"card_type"`
	LocationID string `json:"location_id"`
}

// errOrderUnknown is not keeper.ErrKindUnknown: no ticket is missing.
var errOrderUnknown = errors.New("nothing of this kind can be signed")

// Sign answers POST /v1/accounts/{app_id}/sign.
func (h *Control) Sign(c *gin.Context) error {
	appID := c.Param("app_id")
	if _, err := h.guard.Caller(c, apikey.ScopeSign, appID); err != nil {
		return err
	}
	var order signOrder
	if err := readJSON(c, controlBodyLimit, &order); err != nil {
		return err
	}
	answer, err := h.sign(appID, order)
	if err != nil {
		return withRetry(err)
	}
	c.Header("Cache-Control", "no-store")
	c.PureJSON(http.StatusOK, answer)
	return nil
}

func (h *Control) sign(appID string, order signOrder) (any, error) {
	switch order.Kind {
	case keeper.KindJSAPI, keeper.KindAgentConfig:
		config, err := h.signer.Config(signature.Request{URL: order.URL, AppID: appID, Profile: order.Profile, Kind: order.Kind})
		return config.Answer(), err
	case "add_card":
		return h.addCard(appID, order)
	case "choose_card":
		return h.chooseCard(appID, order)
	}
	return nil, fmt.Errorf("%w: %q", errOrderUnknown, order.Kind)
}

// cardExt goes into wx.addCard as the text of the field cardExt (JS-SDK
// documentation, appendix 4). Its timestamp is a text there.
type cardExt struct {
	Code      string `json:"code,omitempty"`
	OpenID    string `json:"openid,omitempty"`
	Timestamp string `json:"timestamp"` // Unix seconds
	NonceStr  string `json:"nonce_str"`
	Signature string `json:"signature"`
}

func (h *Control) addCard(appID string, order signOrder) (any, error) {
	if order.CardID == "" || !isPlain(order.CardID, order.Code, order.OpenID) {
		return nil, errCardIncomplete
	}
	ticket, err := h.credentials.Current(appID, keeper.KindWXCard)
	if err != nil {
		return nil, err
	}
	ext := cardExt{Code: order.Code, OpenID: order.OpenID, Timestamp: unixSeconds(), NonceStr: rand.Text()}
	ext.Signature = signature.SignCard(ticket.Value, present(ext.Timestamp, order.CardID, ext.Code, ext.OpenID, ext.NonceStr)...)
	return ext, nil
}

// chosenCard goes into wx.chooseCard as it is (JS-SDK documentation, appendix 4).
type chosenCard struct {
	ShopID    string `json:"shopId"`
	CardType  string `json:"cardType"`
	CardID    string `json:"cardId"`
	Timestamp string `json:"timestamp"` // Unix seconds
	NonceStr  string `json:"nonceStr"`
	SignType  string `json:"signType"`
	CardSign  string `json:"cardSign"`
}

func (h *Control) chooseCard(appID string, order signOrder) (any, error) {
	if !isPlain(order.CardID, order.CardType, order.LocationID) {
		return nil, errCardIncomplete
	}
	ticket, err := h.credentials.Current(appID, keeper.KindWXCard)
	if err != nil {
		return nil, err
	}
	card := chosenCard{
		ShopID: order.LocationID, CardType: order.CardType, CardID: order.CardID,
		Timestamp: unixSeconds(), NonceStr: rand.Text(), SignType: "SHA1",
	}
	card.CardSign = signature.SignCard(ticket.Value, present(appID, card.ShopID, card.Timestamp, card.NonceStr, card.CardID, card.CardType)...)
	return card, nil
}

// present leaves absent fields out, as WeChat does when it checks.
func present(values ...string) []string {
	return slices.DeleteFunc(values, func(v string) bool { return v == "" })
}

// longestCardField is more than any field of a card has.
const longestCardField = 128

// isPlain reports whether all values could be fields of a card.
func isPlain(values ...string) bool {
	return !slices.ContainsFunc(values, func(v string) bool {
		return len(v) > longestCardField || slices.ContainsFunc([]byte(v), func(b byte) bool { return b < ' ' || b > '~' })
	})
}

func unixSeconds() string { return strconv.FormatInt(time.Now().Unix(), 10) }
