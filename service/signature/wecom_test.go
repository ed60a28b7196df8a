package signature_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/snapshot"
)

const (
	agentID     = "ww0123456789abcdef:1000002"
	agentPage   = "https://xlscs.wyawds.com/emc/radar/main" // with its ticket, nonce and time: posted by a developer of WeCom
	agentTicket = "XEdpActNnf3XvQGOng9vhA=="
)

// inWeCom is a signer of one agent with both tickets.
func inWeCom(t *testing.T, tickets ...string) (*signature.Signer, *snapshot.Table) {
	t.Helper()
	a := account(t, agentID, "xlscs.wyawds.com")
	a.Platform, a.Tickets = snapshot.PlatformWeCom, tickets
	table := snapshot.NewTable()
	table.PutAccounts(a)
	for kind, value := range map[string]string{snapshot.KindJSAPI: officialTicket, snapshot.KindAgentConfig: agentTicket} {
		table.PutCredential(agentID, snapshot.Credential{Kind: kind, Value: secret.New(value), Version: 1, Deadline: time.Now().Add(time.Hour)})
	}
	return signerOn(t, table), table
}

// jsonOf is an answer as a page gets it.
func jsonOf(t *testing.T, answer any) map[string]any {
	t.Helper()
	var raw bytes.Buffer
	if err := json.NewEncoder(&raw).Encode(answer); err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(raw.Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

func TestWeComAnswers(t *testing.T) {
	t.Parallel()
	signer, _ := inWeCom(t, snapshot.KindJSAPI, snapshot.KindAgentConfig)
	for name, row := range map[string]struct {
		kind, ticket string
		want         map[string]any
	}{
		"wx.config": {"", officialTicket, map[string]any{
			"appId": "ww0123456789abcdef", "beta": true, "debug": false, "url": agentPage,
			"jsApiList": []any{"updateAppMessageShareData"}, "openTagList": []any{},
		}},
		"wx.agentConfig": {snapshot.KindAgentConfig, agentTicket, map[string]any{
			"corpid": "ww0123456789abcdef", "agentid": "1000002", "url": agentPage, "jsApiList": []any{"updateAppMessageShareData"},
		}},
	} {
		for _, id := range []string{"", agentID} {
			config, err := signer.Config(signature.Request{URL: agentPage + "#top", AppID: id, Kind: row.kind})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got := jsonOf(t, config.Answer())
			right := signature.Sign(secret.New(row.ticket), config.NonceStr, config.Timestamp, agentPage)
			if got["signature"] != right || got["nonceStr"] != config.NonceStr || got["timestamp"] != float64(config.Timestamp) || config.Account != agentID {
				t.Errorf("%s: answered %v, want the signature %s", name, got, right)
			}
			for _, checked := range []string{"signature", "nonceStr", "timestamp"} {
				delete(got, checked)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
}

// Each kind needs its own ticket; that of one never signs for the other.
func TestWeComTicketsAreNotInterchangeable(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		keeps []string
		kind  string
		want  error
	}{
		"agent_config not kept":  {[]string{snapshot.KindJSAPI}, snapshot.KindAgentConfig, signature.ErrTicketNotConfigured},
		"jsapi not kept":         {[]string{snapshot.KindAgentConfig}, "", signature.ErrTicketNotConfigured},
		"a kind that signs none": {[]string{snapshot.KindJSAPI, snapshot.KindWXCard}, snapshot.KindWXCard, signature.ErrTicketNotConfigured},
		"the access_token":       {[]string{snapshot.KindJSAPI}, snapshot.KindAccessToken, signature.ErrTicketNotConfigured},
	} {
		signer, _ := inWeCom(t, row.keeps...)
		if config, err := signer.Config(signature.Request{URL: agentPage, Kind: row.kind}); !errors.Is(err, row.want) {
			t.Errorf("%s: %+v, %v", name, config, err)
		}
	}
	signer, table := inWeCom(t, snapshot.KindJSAPI, snapshot.KindAgentConfig)
	table.PutCredential(agentID, snapshot.Credential{
		Kind: snapshot.KindAgentConfig, Value: secret.New(agentTicket), Version: 2, Deadline: time.Now(),
	})
	_, err := signer.Config(signature.Request{URL: agentPage, Kind: snapshot.KindAgentConfig})
	if !errors.Is(err, signature.ErrTicketNotReady) {
		t.Errorf("an expired agent_config ticket: %v", err)
	}
	if _, err := signer.Config(signature.Request{URL: agentPage}); err != nil {
		t.Errorf("the corp's ticket beside it: %v", err)
	}
}

// An official account has neither beta nor agent.
func TestOfficialAnswerHasNothingOfWeCom(t *testing.T) {
	t.Parallel()
	signer, _ := ready(t, "h5.example.com")
	config, err := signer.Config(signature.Request{URL: "https://h5.example.com/"})
	if err != nil {
		t.Fatal(err)
	}
	got := jsonOf(t, config.Answer())
	if _, beta := got["beta"]; beta || got["appId"] != appID || len(got) != 8 {
		t.Errorf("answered %v", got)
	}
}
