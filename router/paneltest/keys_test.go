package paneltest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/apikey"
)

var shownKey = regexp.MustCompile(`<code id="key">(wxs_[0-9A-Za-z]{38})</code>`)

// made makes a key by the panel and returns it.
func (v visitor) made(form url.Values) string {
	v.t.Helper()
	r := v.send(http.MethodPost, "/admin/keys", form)
	found := shownKey.FindStringSubmatch(r.body)
	if r.StatusCode != http.StatusOK || found == nil {
		v.t.Fatalf("no key was made: %d\n%s", r.StatusCode, r.body)
	}
	if r.Header.Get("Cache-Control") != "no-store" {
		v.t.Error("a page with a key may be stored")
	}
	return found[1]
}

func keyFields(change ...string) url.Values {
	form := url.Values{
		"name": {"shop-backend"}, "scope": {"token", "sign"}, "accounts": {"some"}, "app_ids": {"wxb\r\nwxa, wxa"},
		"cidrs": {"10.0.0.0/8\r\n192.168.1.7"}, "days": {"90"},
	}
	for i := 0; i < len(change); i += 2 {
		form.Set(change[i], change[i+1])
	}
	return form
}

// A key from its making over its replacement to its end.
func TestKeysOfThePanel(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	viewer, admin := k.as("viewer"), k.as("admin")
	if body := admin.get("/admin/keys").body; !strings.Contains(body, "There is no key yet") {
		t.Error("the empty page does not say so")
	}
	first := admin.made(keyFields())
	if _, err := k.keys.Authenticate(t.Context(), first); err != nil {
		t.Fatalf("the key that was shown does not open: %v", err)
	}
	for name, v := range map[string]visitor{"viewer": viewer, "admin": admin} {
		body := v.get("/admin/keys").body
		for _, want := range []string{"shop-backend", ">token<", ">sign<", "wxa, wxb", "10.0.0.0/8, 192.168.1.7/32"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not see %q", name, want)
			}
		}
		if strings.Contains(body, first) || strings.Contains(body, first[4:20]) {
			t.Errorf("%s sees the key again", name)
		}
		if offered := strings.Contains(body, `method="post" action="/admin/keys`); offered != (name == "admin") {
			t.Errorf("%s is offered to change keys: %v", name, offered)
		}
	}
	list, err := k.keys.List(t.Context())
	k.ok(err)
	body := admin.get("/admin/keys?rotate=" + list[0].ID).body
	filled := strings.Contains(body, "Make a second key for shop-backend") && strings.Contains(body, "wxa\nwxb")
	if !filled || strings.Count(body, "checkbox\" name=\"scope\" value=\"token\" checked") != 1 {
		t.Error("the form of the second key is not filled in like the first")
	}
	second := admin.made(keyFields())
	if r := admin.send(http.MethodPost, "/admin/keys", keyFields()); r.StatusCode != http.StatusConflict || !strings.Contains(r.body, "two live keys already") {
		t.Errorf("a third key: %d", r.StatusCode)
	}
	if r := admin.post("/admin/keys/" + list[0].ID + "/revoke"); r.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("revoked by accident: %d", r.StatusCode)
	}
	if r := admin.post("/admin/keys/"+list[0].ID+"/revoke", "sure", "yes"); r.StatusCode != http.StatusSeeOther {
		t.Fatalf("revoke: %d", r.StatusCode)
	}
	if _, err := k.keys.Authenticate(t.Context(), first); err == nil {
		t.Error("a revoked key opens")
	}
	if _, err := k.keys.Authenticate(t.Context(), second); err != nil {
		t.Errorf("the second key went with the first: %v", err)
	}
	if r := admin.post("/admin/keys/"+list[0].ID+"/revoke", "sure", "yes"); r.StatusCode != http.StatusConflict {
		t.Errorf("revoked twice: %d", r.StatusCode)
	}
	if body := viewer.get("/admin/keys").body; !strings.Contains(body, "Expired and revoked") {
		t.Error("the page forgets revoked keys")
	}
	body = admin.get("/admin/audit").body
	if !strings.Contains(body, "makes an API key") || !strings.Contains(body, "revokes an API key") || strings.Contains(body, first) {
		t.Error("the audit log does not tell of the keys, or tells them")
	}
}

func TestKeysThatCannotBeMade(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	for _, tt := range []struct {
		name   string
		form   url.Values
		status int
		want   string
	}{
		{"no scope", func() url.Values { f := keyFields(); f.Del("scope"); return f }(), http.StatusUnprocessableEntity, "Choose at least one"},
		{"a scope that is none", keyFields("scope", "all"), http.StatusUnprocessableEntity, "there is no scope"},
		{"no account", keyFields("app_ids", " "), http.StatusUnprocessableEntity, "at least one AppID"},
		{"a name that is none", keyFields("name", hostile), http.StatusUnprocessableEntity, "a name has 1 to 64"},
		{"a network that is none", keyFields("cidrs", "10.0.0.0/99"), http.StatusUnprocessableEntity, "is no network"},
		{"every network", keyFields("cidrs", "0.0.0.0/0"), http.StatusUnprocessableEntity, "leave the networks out"},
		{"a life that is not offered", keyFields("days", "7"), http.StatusBadRequest, "cannot be read"},
	} {
		r := admin.send(http.MethodPost, "/admin/keys", tt.form)
		if r.StatusCode != tt.status || !strings.Contains(r.body, tt.want) || strings.Contains(r.body, hostile) {
			t.Errorf("%s: %d without %q", tt.name, r.StatusCode, tt.want)
		}
		if tt.status == http.StatusUnprocessableEntity && !strings.Contains(r.body, `name="cidrs"`) {
			t.Errorf("%s: the form does not come back", tt.name)
		}
	}
	list, err := k.keys.List(t.Context())
	k.ok(err)
	if len(list) != 0 {
		t.Errorf("keys were made: %+v", list)
	}
	admin.made(keyFields("accounts", "all", "days", ""))
	if list, err = k.keys.List(t.Context()); err != nil || list[0].Accounts[0] != apikey.AllAccounts || !list[0].Expires.IsZero() {
		t.Errorf("%+v, %v", list, err)
	}
}

// A key may be for as many accounts as it can hold.
func TestKeyForManyAccounts(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	var list []string
	for i := range 500 {
		list = append(list, fmt.Sprintf("wx%016d", i))
	}
	key := k.as("admin").made(keyFields("app_ids", strings.Join(list, "\r\n")))
	if _, err := k.keys.Authenticate(t.Context(), key); err != nil {
		t.Error(err)
	}
}
