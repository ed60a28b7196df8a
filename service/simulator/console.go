package simulator

type accountChange struct {
	AppID         string    `json:"app_id"`
	Secret        *string   `json:"secret"`
	Domains       *[]string `json:"domains"`
	AllowedIPs    *[]string `json:"allowed_ips"`
	TokenErrcode  *int      `json:"token_errcode"`
	TicketErrcode *int      `json:"ticket_errcode"`
}

type accountView struct {
	AppID         string   `json:"app_id"`
	Domains       []string `json:"domains"`
	AllowedIPs    []string `json:"allowed_ips"`
	TokenErrcode  int      `json:"token_errcode"`
	TicketErrcode int      `json:"ticket_errcode"`
}

// changeAccount edits an account as its owner would in the console; absent
// fields stay. Tokens and tickets live on.
func (s *Simulator) changeAccount(q accountChange) (accountView, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[q.AppID]
	if a == nil {
		return accountView{}, errAccount
	}
	wanted := a.Account
	set(&wanted.Secret, q.Secret)
	set(&wanted.Domains, q.Domains)
	set(&wanted.AllowedIPs, q.AllowedIPs)
	set(&wanted.TokenErrcode, q.TokenErrcode)
	set(&wanted.TicketErrcode, q.TicketErrcode)
	if err := wanted.check(); err != nil {
		return accountView{}, err
	}
	changed, err := newAccount(wanted)
	if err != nil {
		return accountView{}, err
	}
	a.Account, a.domains, a.allowed = wanted, changed.domains, changed.allowed
	return accountView{
		AppID: a.AppID, Domains: append([]string{}, a.Domains...), AllowedIPs: append([]string{}, a.AllowedIPs...),
		TokenErrcode: a.TokenErrcode, TicketErrcode: a.TicketErrcode,
	}, nil
}

func set[T any](field *T, wanted *T) {
	if wanted != nil {
		*field = *wanted
	}
}
