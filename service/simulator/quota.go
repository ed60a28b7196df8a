package simulator

import "strings"

const (
	forceCount = "force_refresh" // the day's force refreshes, beside the paths in usage.day
	resetCount = "clear_quota"
	pathsCount = "quota/clear"
)

// clearQuota is POST clear_quota: all day counts of the account start again.
func (s *Simulator) clearQuota(c *call) (any, error) {
	var ask struct {
		AppID string `json:"appid"`
	}
	if err := c.readJSON(&ask); err != nil {
		return nil, err
	}
	if ask.AppID != c.account.AppID {
		return nil, fail(40013)
	}
	return c.account.resetDay()
}

// clearQuotaBySecret is POST clear_quota/v2, which needs no token. Its document
// names body parameters and shows them in the query: both are read.
func (s *Simulator) clearQuotaBySecret(c *call) (any, error) {
	ask := struct {
		AppID  string `json:"appid"`
		Secret string `json:"appsecret"`
	}{AppID: c.query.Get("appid"), Secret: c.query.Get("appsecret")}
	if c.length > 0 {
		if err := c.readJSON(&ask); err != nil {
			return nil, err
		}
	}
	if ask.AppID == "" {
		return nil, fail(41002)
	}
	c.account = s.official(ask.AppID)
	switch {
	case c.account == nil:
		return nil, fail(40013)
	case !c.account.allows(c.peer):
		return nil, c.fail(40164)
	case ask.Secret == "":
		return nil, fail(41004)
	case !sameSecret(c.account, ask.Secret):
		return nil, fail(40125)
	}
	c.account.usage.roll(c.now, s.options.ResetHour)
	return c.account.resetDay()
}

func (a *account) resetDay() (any, error) {
	if err := a.usage.spendMonth(resetCount, resetsPerMonth); err != nil {
		return nil, err
	}
	clear(a.usage.day)
	return okBody(), nil
}

type quotaBody struct {
	errorBody
	Quota dayQuota   `json:"quota"`
	Rate  minuteRate `json:"rate_limit"`
}

type dayQuota struct {
	Limit  int `json:"daily_limit"` // 0 = this path has none
	Used   int `json:"used"`
	Remain int `json:"remain"`
}

type minuteRate struct {
	Calls   int `json:"call_count"`
	Refresh int `json:"refresh_second"`
}

// quotaGet is POST openapi/quota/get.
func (s *Simulator) quotaGet(c *call) (any, error) {
	path, err := c.readPath()
	if err != nil {
		return nil, err
	}
	use, most := c.account.usage, max(s.limitOf(c.account, path).day, 0)
	return quotaBody{
		errorBody: okBody(),
		Quota:     dayQuota{Limit: most, Used: use.day[path], Remain: max(most-use.day[path], 0)},
		Rate:      minuteRate{Calls: use.minute[path], Refresh: int(60 - c.now.Unix()%60)},
	}, nil
}

// quotaClear is POST openapi/quota/clear: one path's day count starts again.
func (s *Simulator) quotaClear(c *call) (any, error) {
	path, err := c.readPath()
	if err != nil {
		return nil, err
	}
	if err := c.account.usage.spendMonth(pathsCount, pathResetsMonth); err != nil {
		return nil, err
	}
	delete(c.account.usage.day, path)
	if path == pathStable {
		delete(c.account.usage.day, forceCount)
	}
	return okBody(), nil
}

// readPath reads {"cgi_path": "/cgi-bin/…"} and refuses what WeChat refuses.
func (c *call) readPath() (string, error) {
	var ask struct {
		Path string `json:"cgi_path"`
	}
	if err := c.readJSON(&ask); err != nil {
		return "", err
	}
	switch {
	case !strings.HasPrefix(ask.Path, "/"):
		return "", fail(76003)
	case strings.HasPrefix(ask.Path, "/sns/"):
		return "", fail(76022)
	case !strings.HasPrefix(ask.Path, "/cgi-bin/"):
		return "", fail(76021)
	}
	return ask.Path, nil
}
