package cli

import (
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/wechat"
)

// weComPath is where the simulator pretends to be qyapi.weixin.qq.com.
const weComPath = "/qyapi"

// newWeCom is the client of WeCom as the configuration says; base is where it is.
// There is no second host for it.
func newWeCom(c config.Config, base string) (*wechat.WeCom, error) {
	roots, err := authorities(c)
	if err != nil {
		return nil, err
	}
	return wechat.NewWeCom(wechat.Options{
		RootCAs: roots,
		BaseURL: base, Timeout: c.WeChat.Timeout.Std(), ConnectTimeout: c.WeChat.ConnectTimeout.Std(),
		UserAgent: "wxsign/" + thisBuild().Version,
	})
}

// weComBaseURL is where WeCom answers; like baseURL it follows the built-in
// simulator.
func (p *program) weComBaseURL() string {
	demo := "http://" + config.Default().Simulator.Listen + weComPath
	if p.simulated != nil && p.config.WeChat.WeComBaseURL == demo {
		return p.simulated.origin() + weComPath
	}
	return p.config.WeChat.WeComBaseURL
}
