package main_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// The whole program keeps two agents of one corp beside the demo's account: each
// signs for wx.config and wx.agentConfig, and serves Tencent's paths of WeCom and
// the relay, with the colon of its id as it is and escaped.
func TestProgramServesWeCom(t *testing.T) {
	t.Parallel()
	const corp, page = "wwprogram012345678", "https://work.example.com/a?b=1"
	var env []string
	for i, agent := range []string{"1000002", "1000007"} {
		n := string(rune('1' + i))
		env = append(
			env,
			"WXSIGN_ACCOUNT_"+n+"_PLATFORM=wecom", "WXSIGN_ACCOUNT_"+n+"_CORP_ID="+corp, "WXSIGN_ACCOUNT_"+n+"_AGENT_ID="+agent,
			"WXSIGN_ACCOUNT_"+n+"_SECRET=secret-"+agent, "WXSIGN_ACCOUNT_"+n+"_TICKETS=jsapi,agent_config",
			"WXSIGN_ACCOUNT_"+n+"_DOMAINS=work.example.com", "WXSIGN_SIMULATOR_ACCOUNT_"+n+"_APP_ID="+corp+":"+agent,
			"WXSIGN_SIMULATOR_ACCOUNT_"+n+"_SECRET=secret-"+agent, "WXSIGN_SIMULATOR_ACCOUNT_"+n+"_DOMAINS=work.example.com",
		)
	}
	place := shippedPlace(t, env...)
	s := place.startReady(t)
	code, key, errs := place.run(t, "key", "create", "--name", "office", "--scope", "token,ticket,relay,refresh,sign",
		"--account", corp+":1000002,"+corp+":1000007")
	if code != 0 {
		t.Fatal(errs)
	}
	key = strings.TrimSpace(key)
	ask := func(path string) map[string]any {
		t.Helper()
		_, body, _ := s.get(s.listen, path)
		var fields map[string]any
		if err := json.Unmarshal([]byte(body), &fields); err != nil {
			t.Fatalf("%s: %v in %s", path, err, body)
		}
		return fields
	}
	verified := func(question map[string]any) {
		t.Helper()
		question["urls"] = []string{page}
		if _, body, _ := s.send(http.MethodPost, s.simulator+"/_sim/verify", question); !strings.Contains(body, `"ok":true`) {
			t.Errorf("WeCom says %s of %v", body, question)
		}
	}
	for _, id := range []string{corp + ":1000002", corp + "%3A1000007"} {
		agent := id[len(id)-len("1000002"):]
		path := "/jssdk/config?app_id=" + id + "&url=https%3A%2F%2Fwork.example.com%2Fa%3Fb%3D1%23top"
		var config map[string]any
		s.wait("a signature for "+id, func() bool { config = ask(path); return config["signature"] != nil })
		if config["appId"] != corp || config["beta"] != true || config["url"] != page {
			t.Errorf("%s: wx.config gets %v", id, config)
		}
		verified(map[string]any{
			"appid": config["appId"], "noncestr": config["nonceStr"], "timestamp": config["timestamp"], "signature": config["signature"],
		})
		s.wait("an agent's signature for "+id, func() bool { config = ask(path + "&kind=agent_config"); return config["signature"] != nil })
		if config["corpid"] != corp || config["agentid"] != agent {
			t.Errorf("%s: wx.agentConfig gets %v", id, config)
		}
		verified(map[string]any{
			"corpid": config["corpid"], "agentid": config["agentid"], "noncestr": config["nonceStr"], "timestamp": config["timestamp"],
			"signature": config["signature"],
		})
		token, _ := ask("/cgi-bin/gettoken?corpid=" + corp + "&corpsecret=" + key + "@" + id)["access_token"].(string)
		for _, ticket := range []string{"/cgi-bin/get_jsapi_ticket?", "/cgi-bin/ticket/get?type=agent_config&"} {
			if got := ask(ticket + "access_token=" + token); got["errcode"] != 0.0 || got["ticket"] == "" {
				t.Errorf("%s%s: %v", ticket, id, got)
			}
		}
		if got := ask("/cgi-bin/user/get?userid=zhang&access_token=" + key + "@" + id); got["errcode"] != 0.0 {
			t.Errorf("relay for %s: %v", id, got)
		}
	}
	if got := ask("/cgi-bin/gettoken?corpid=" + corp + "&corpsecret=" + key); got["errcode"] != 40013.0 {
		t.Errorf("a key of two agents, without saying which: %v", got)
	}
}
