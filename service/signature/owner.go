package signature

// Owner is the account that a page belongs to, whether or not there is a ticket
// to sign it with. Errors are those of Config about URL, account and domain.
func (s *Signer) Owner(req Request) (appID string, err error) {
	_, view, err := s.resolve(req)
	if err != nil {
		return "", err
	}
	return view.Account.AppID, nil
}
