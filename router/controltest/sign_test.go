package controltest_test

import (
	"crypto/sha1" // what WeChat computes
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/keeper"
)

// wechatCard computes as WeChat does: the values, sorted, without separators.
func wechatCard(values ...string) string {
	slices.Sort(values)
	sum := sha1.Sum([]byte(strings.Join(values, "")))
	return hex.EncodeToString(sum[:])
}

// The vector of Tencent's document (JS-SDK, appendix 4) proves the sum itself.
func TestCardVector(t *testing.T) {
	t.Parallel()
	got := wechatCard("ojZ8YtyVyr30HheH3CM73y7h4jJE", "1404896688", "pjZ8Yt1XGILfi-FUsewpnnolGgZk", "1434008071", "123")
	if want := "f137ab68b7f8112d20ee528ab6074564e2796250"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSign(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	k := newContract(t)
	_, key := w.key(apikey.ScopeSign, shop)
	ask := func(body string) reply {
		t.Helper()
		c := call{method: http.MethodPost, path: "/v1/accounts/" + shop + "/sign", key: key, body: body}
		r := w.ask(c)
		k.check(t, c, r)
		if r.Code != http.StatusOK || r.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%s: status %d: %s", body, r.Code, r.Body)
		}
		return r
	}
	cards := w.current(shop, keeper.KindWXCard).Value.Reveal()

	r := ask(`{"kind":"jsapi","url":"https://h5.example.com/a?b=1#c","profile":"default"}`)
	_, timestamp, _ := strings.Cut(r.Body.String(), `"timestamp":`)
	timestamp, _, _ = strings.Cut(timestamp, ",")
	sum := sha1.Sum([]byte("jsapi_ticket=" + w.current(shop, "jsapi").Value.Reveal() + "&noncestr=" + r.text("nonceStr") +
		"&timestamp=" + timestamp + "&url=https://h5.example.com/a?b=1"))
	if r.text("signature") != hex.EncodeToString(sum[:]) || r.text("appId") != shop {
		t.Errorf("jsapi: %s", r.Body)
	}

	r = ask(`{"kind":"add_card","card_id":"pCard","code":"123","openid":"oUser"}`)
	if r.text("signature") != wechatCard(cards, r.text("timestamp"), "pCard", "123", "oUser", r.text("nonce_str")) ||
		r.text("code") != "123" || r.text("openid") != "oUser" {
		t.Errorf("add_card: %s", r.Body)
	}
	r = ask(`{"kind":"add_card","card_id":"pCard"}`)
	if r.text("signature") != wechatCard(cards, r.text("timestamp"), "pCard", r.text("nonce_str")) || len(r.json) != 3 {
		t.Errorf("add_card without code and openid: %s", r.Body)
	}
	r = ask(`{"kind":"choose_card","card_id":"pCard","card_type":"GROUPON","location_id":"7"}`)
	if r.text("cardSign") != wechatCard(cards, shop, "7", r.text("timestamp"), r.text("nonceStr"), "pCard", "GROUPON") ||
		r.text("shopId") != "7" || r.text("signType") != "SHA1" {
		t.Errorf("choose_card: %s", r.Body)
	}
	r = ask(`{"kind":"choose_card"}`)
	if r.text("cardSign") != wechatCard(cards, shop, r.text("timestamp"), r.text("nonceStr")) {
		t.Errorf("choose_card of any card: %s", r.Body)
	}
}
