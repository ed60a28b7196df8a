package doctor_test

import (
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/doctor"
	"github.com/wxsign/wxsign/service/simulator"
)

// An agent of WeCom is asked about at WeCom, in its words.
func TestAccountOfWeCom(t *testing.T) {
	t.Parallel()
	const agent = "wwpatient123456789:1000002"
	for name, tt := range map[string]struct {
		theirs  simulator.Account
		verdict doctor.Verdict
		words   []string
	}{
		"right secret": {simulator.Account{AppID: agent, Secret: appSecret}, doctor.OK, []string{"WeCom accepts the agent's secret"}},
		"wrong secret": {
			simulator.Account{AppID: agent, Secret: "another"},
			doctor.Fail,
			[]string{"40001", "WeChat sees this machine as 127.0.0.1", "应用管理"},
		},
		"disabled": {simulator.Account{AppID: agent, Secret: appSecret, TokenErrcode: 50003}, doctor.Fail, []string{"50003", "disabled"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(theirs *simulator.Account, ours *model.Account) {
				*theirs = tt.theirs
				ours.AppID, ours.Platform = agent, "wecom"
			})
			w.examine(nil).want(t, "account", tt.verdict, tt.words...)
		})
	}
}
