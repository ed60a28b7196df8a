package simulator

type ipList struct {
	IPs []string `json:"ip_list"`
}

// callbackIPs is GET getcallbackip: the addresses WeChat pushes from. The
// documents' example addresses serve.
func (s *Simulator) callbackIPs(*call) (any, error) {
	return ipList{IPs: []string{"106.55.206.146", "106.55.206.211"}}, nil
}

// apiDomainIPs is GET get_api_domain_ip: the addresses of api.weixin.qq.com.
func (s *Simulator) apiDomainIPs(*call) (any, error) {
	return ipList{IPs: []string{"101.89.47.18", "101.91.34.103"}}, nil
}

type checkedDNS struct {
	IP       string `json:"ip"`
	Operator string `json:"real_operator"`
}

type checkedPing struct {
	IP       string `json:"ip"`
	Operator string `json:"from_operator"`
	Loss     string `json:"package_loss"`
	Time     string `json:"time"`
}

type checkedCallback struct {
	DNS  []checkedDNS  `json:"dns,omitempty"`
	Ping []checkedPing `json:"ping,omitempty"`
}

// callbackCheck is POST callback/check: whether WeChat reaches the account's
// callback URL. The simulator always does, with the documents' example numbers.
func (s *Simulator) callbackCheck(c *call) (any, error) {
	var ask struct {
		Action   string `json:"action"`
		Operator string `json:"check_operator"`
	}
	if err := c.readJSON(&ask); err != nil {
		return nil, err
	}
	switch {
	case !oneOf(ask.Action, "dns", "ping", "all"):
		return nil, fail(40202)
	case !oneOf(ask.Operator, "CHINANET", "UNICOM", "CAP", "DEFAULT"):
		return nil, fail(40203)
	case c.account.CallbackURL == "":
		return nil, fail(40201)
	}
	operator := ask.Operator
	if operator == "DEFAULT" {
		operator = "UNICOM"
	}
	var found checkedCallback
	if ask.Action != "ping" {
		found.DNS = []checkedDNS{{IP: "111.161.64.40", Operator: operator}}
	}
	if ask.Action != "dns" {
		found.Ping = []checkedPing{{IP: "111.161.64.40", Operator: operator, Loss: "0%", Time: "23.079ms"}}
	}
	return found, nil
}
