package simulator

// The /sns/* paths serve the login of users (web OAuth). The simulator checks
// what a relay has to get right, the account and its secret, and echoes.

// snsBySecret is /sns/oauth2/access_token and /sns/jscode2session.
func (s *Simulator) snsBySecret(c *call) (any, error) {
	if err := s.snsAppID(c); err != nil {
		return nil, err
	}
	switch {
	case !c.account.allows(c.peer):
		return nil, c.fail(40164) // seen to come before the secret
	case c.query.Get("secret") == "":
		return nil, fail(41004)
	case !sameSecret(c.account, c.query.Get("secret")):
		return nil, fail(40125)
	case c.query.Get("code") == "" && c.query.Get("js_code") == "":
		return nil, fail(41008)
	}
	return s.echo(c)
}

// snsByAppID is /sns/oauth2/refresh_token.
func (s *Simulator) snsByAppID(c *call) (any, error) {
	if err := s.snsAppID(c); err != nil {
		return nil, err
	}
	return s.echo(c)
}

// snsByUser is /sns/userinfo and /sns/auth: the token is a user's, not ours.
func (s *Simulator) snsByUser(c *call) (any, error) {
	if c.query.Get("access_token") == "" {
		return nil, fail(41001)
	}
	return s.echo(c)
}

func (s *Simulator) snsAppID(c *call) error {
	id := c.query.Get("appid")
	if id == "" {
		return fail(41002)
	}
	if c.account = s.official(id); c.account == nil {
		return fail(40013)
	}
	return nil
}
