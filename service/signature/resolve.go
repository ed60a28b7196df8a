package signature

import (
	"fmt"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/snapshot"
)

// resolve finds the account that is to sign the page.
func (s *Signer) resolve(req Request) (pageurl.URL, *snapshot.View, error) {
	parse := pageurl.Parse
	if req.Exact {
		parse = pageurl.ParseExact
	}
	u, err := parse(req.URL)
	if err != nil {
		return u, nil, err
	}
	if req.AppID == "" {
		view, err := s.accountServing(u)
		return u, view, err
	}
	view, found := s.accounts.Lookup(req.AppID)
	switch {
	case !found:
		return u, nil, ErrAccountUnknown
	case !view.Account.Enabled:
		return u, nil, ErrAccountDisabled
	case !view.Account.Serves(u):
		return u, nil, notAllowed(u)
	}
	return u, view, nil
}

// accountServing finds the one enabled account that serves the page.
func (s *Signer) accountServing(u pageurl.URL) (*snapshot.View, error) {
	var match, disabled *snapshot.View
	for view := range s.accounts.Serving(u) {
		switch {
		case !view.Account.Serves(u):
		case !view.Account.Enabled:
			disabled = view
		case match != nil && match.Account.AppID != view.Account.AppID:
			return nil, ErrAccountAmbiguous
		default:
			match = view
		}
	}
	switch {
	case match != nil:
		return match, nil
	case disabled != nil:
		return nil, ErrAccountDisabled
	}
	return nil, notAllowed(u)
}

func notAllowed(u pageurl.URL) error {
	return fmt.Errorf("%w: %s", ErrDomainNotAllowed, u.Origin())
}

func profileOf(view *snapshot.View, name string) (snapshot.Profile, error) {
	if name == "" {
		name = DefaultProfile
	}
	profile, found := view.Account.Profiles[name]
	if !found {
		return snapshot.Profile{}, ErrProfileUnknown
	}
	return profile, nil
}
