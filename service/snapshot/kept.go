package snapshot

import "time"

// Kept is an account with its credentials outside of a Table: on the way into a
// file, and back.
type Kept struct {
	Account     Account
	Credentials []Credential
}

// Kept is what of the view lives at now; a disabled account has no credentials
// then.
func (v *View) Kept(now time.Time) Kept {
	kept := Kept{Account: v.Account}
	if !v.Account.Enabled {
		return kept
	}
	for _, c := range v.credentials {
		if c.Live(now) {
			kept.Credentials = append(kept.Credentials, c)
		}
	}
	return kept
}
