package simulator

import "time"

// ticketBody is WeChat's answer of getticket; unlike a token's it has errcode.
type ticketBody struct {
	errorBody
	Ticket    string `json:"ticket"`
	ExpiresIn int    `json:"expires_in"`
}

// getTicket is GET (or POST) /cgi-bin/ticket/getticket. The type "2" is the
// ticket of the app SDK.
func (s *Simulator) getTicket(c *call) (any, error) {
	a, kind := c.account, c.query.Get("type")
	switch {
	case a.TicketErrcode != 0:
		return nil, c.fail(a.TicketErrcode)
	case !oneOf(kind, kindJSAPI, kindCard, kindSDK):
		return nil, fail(40097)
	}
	if err := a.usage.spend(c.path, s.limitOf(a, c.path)); err != nil {
		return nil, err
	}
	v := s.nextTicket(a, kind, c.now)
	c.entry.hand(v)
	body := ticketBody{errorBody: okBody(), Ticket: v.text, ExpiresIn: int(s.options.CredentialLife / time.Second)}
	if s.options.TicketRemaining {
		body.ExpiresIn = v.remaining(c.now)
	}
	return body, nil
}
