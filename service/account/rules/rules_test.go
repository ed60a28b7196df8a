package rules_test

import (
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/account/rules"
)

func TestRules(t *testing.T) {
	t.Parallel()
	twice := []string{"scanQRCode", "getLocation", "scanQRCode"}
	for name, c := range map[string]struct {
		fault rules.Fault
		want  string // its code, "" = nothing is wrong
	}{
		"AppID":             {rules.AppID("wx0123456789abcdef"), ""},
		"no AppID":          {rules.AppID(""), "app_id_missing"},
		"AppID with slash":  {rules.AppID("wx/1"), "app_id_shape"},
		"longest AppID":     {rules.AppID(strings.Repeat("a", 96)), ""},
		"AppID too long":    {rules.AppID(strings.Repeat("a", 97)), "app_id_shape"},
		"agent":             {rules.AgentID(1), ""},
		"no agent":          {rules.AgentID(0), "agent_id_missing"},
		"no name":           {rules.Name(""), ""},
		"Chinese name":      {rules.Name(strings.Repeat("长", 33)), ""},
		"name too long":     {rules.Name(strings.Repeat("长", 34)), "name_long"},
		"name with escape":  {rules.Name("a\x1b[31m"), "name_long"},
		"name not UTF-8":    {rules.Name("\xff"), "name_long"},
		"secret":            {rules.Secret(strings.Repeat("a", rules.MaxSecret)), ""},
		"no secret":         {rules.Secret(""), "secret_missing"},
		"secret with blank": {rules.Secret("a b"), "secret_shape"},
		"secret too long":   {rules.Secret(strings.Repeat("a", rules.MaxSecret+1)), "secret_long"},
		"domain":            {rules.Domain("*.example.com:8443/h5"), ""},
		"domain with https": {rules.Domain("https://example.com"), "domain_shape"},
		"profile name":      {rules.ProfileName("shop_2-a"), ""},
		"odd profile name":  {rules.ProfileName("Shop"), "profile_name"},
		"open tags alone":   {rules.Profile(nil, []string{"wx-open-subscribe"}), ""},
		"empty profile":     {rules.Profile(nil, nil), "profile_empty"},
		"API":               {rules.APIName(twice, 0), ""},
		"API again":         {rules.APIName(twice, 2), "api_again"},
		"odd API":           {rules.APIName([]string{"<x>"}, 0), "api_shape"},
	} {
		if c.fault.Code != c.want || c.fault.Any() != (c.want != "") || c.fault.Any() && (c.fault.Problem == "" || c.fault.Mend == "") {
			t.Errorf("%s: %+v, want %q", name, c.fault, c.want)
		}
	}
	if mend := rules.Domain("https://example.com").Mend; !strings.Contains(mend, "without https://") {
		t.Errorf("the mend of a domain is %q", mend)
	}
}

// What every account has by itself keeps the rules.
func TestDefaultProfileIsRight(t *testing.T) {
	t.Parallel()
	apis := rules.DefaultAPIs()
	if rules.ProfileName(rules.DefaultProfile).Any() || rules.Profile(apis, nil).Any() {
		t.Error("the default profile breaks the rules")
	}
	for i := range apis {
		if f := rules.APIName(apis, i); f.Any() {
			t.Errorf("%s: %+v", apis[i], f)
		}
	}
}
